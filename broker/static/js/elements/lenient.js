// Reads what templates put into attributes: JSON, and Ground Truth's looser writing of it (single quotes, bare keys, commas at the end).

const TOKEN = /\s*(?:([[\]{}:,])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s[\]{}:,"']+))\s*/suy;
const ESCAPE = /\\(?:u([0-9a-f]{4})|(.))/gisu;
const ESCAPED = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };
const WORDS = { true: true, false: false, null: null };
const DEEPEST = 50;

function* tokens(text) {
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (!found) throw new SyntaxError(`cannot read ${JSON.stringify(text.slice(at, at + 20))}`);
    const [, sign, double, single, bare] = found;
    yield sign === undefined ? { value: bare === undefined ? unescaped(double ?? single) : word(bare) } : { sign };
  }
}

const unescaped = (text) => text.replace(ESCAPE, (_, hex, letter) => (hex ? String.fromCharCode(Number.parseInt(hex, 16)) : ESCAPED[letter] ?? letter));

function word(bare) {
  if (Object.hasOwn(WORDS, bare)) return WORDS[bare];
  const number = Number(bare);
  return Number.isNaN(number) ? bare : number;
}

/** The value that `text` writes down. Throws SyntaxError. */
export function lenient(text) {
  try {
    return JSON.parse(text);
  } catch {
    const rest = [...tokens(text)];
    const value = read(rest, 0);
    if (rest.length) throw new SyntaxError("something stands behind the end");
    return value;
  }
}

function read(rest, depth) {
  const token = rest.shift();
  if (!token || depth > DEEPEST) throw new SyntaxError(token ? "too deep" : "the end is missing");
  if (!token.sign) return token.value;
  if (token.sign === "[") return list(rest, "]", depth, () => read(rest, depth + 1));
  if (token.sign === "{") return Object.fromEntries(list(rest, "}", depth, () => pair(rest, depth)));
  throw new SyntaxError(`${token.sign} stands where a value should`);
}

function pair(rest, depth) {
  const key = read(rest, depth + 1);
  if (rest.shift()?.sign !== ":") throw new SyntaxError(`no colon behind ${key}`);
  return [key, read(rest, depth + 1)];
}

function list(rest, end, depth, entry) {
  const all = [];
  while (rest.length && rest[0].sign !== end) {
    all.push(entry());
    if (rest[0]?.sign === ",") rest.shift();
    else if (rest[0]?.sign !== end) throw new SyntaxError("a comma is missing");
  }
  if (!rest.shift()) throw new SyntaxError(`${end} is missing`);
  return all;
}
