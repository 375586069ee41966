// The JavaScript SDK as a filter: a line {operation, params} in, its answer or its error as a line out.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const sdk = await import(pathToFileURL(process.argv[2]).href);
const client = new sdk.MTurkClient({ endpoint: process.env.AWS_ENDPOINT_URL_MTURK, region: "us-east-1" });
for await (const line of createInterface({ input: process.stdin })) {
  const { operation, params } = JSON.parse(line);
  if (params.ExpireAt !== undefined) params.ExpireAt = new Date(params.ExpireAt * 1000);
  let said;
  try {
    said = await client.send(new sdk[`${operation}Command`](params));
    delete said.$metadata;
  } catch (error) {
    said = { error: error.name, code: error.TurkErrorCode, message: error.message };
  }
  console.log(JSON.stringify(said));
}
