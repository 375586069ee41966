-- One worker a thread, one connection a thread: submit an answer, get the next HIT, and so on.
-- Arguments: the file of workers (cookie, CSRF token, path of their job, assignment they hold), whether the page is wanted.
local made = 0

function setup(thread)
  thread:set("number", made)
  made = made + 1
end

function init(args)
  local line = 0
  for text in io.lines(args[1]) do
    if line == number then cookie, token, path, assignment = text:match("(%S+) (%S+) (%S+) (%S+)") end
    line = line + 1
  end
  html = args[2]
  failures, first = 0, ""
  headers = { ["Content-Type"] = "application/json", ["X-CSRFToken"] = token, ["Cookie"] = "broker=" .. cookie }
end

function request()
  local body = '{"assignment": "' .. assignment .. '", "answer": {"category": {"label": "cat"}}, "seconds": 3.2, "html": ' .. html .. "}"
  return wrk.format("POST", path .. "/submit", headers, body)
end

function response(status, _, body)
  assignment = body:match('"id":"(T%w+)"')
  if status ~= 200 or assignment == nil then
    failures = failures + 1
    first = status .. " " .. body:sub(1, 300)
  end
end

function done(summary, latency)
  io.write(string.format("p50_ms=%.2f p99_ms=%.2f bad=%d\n", latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.timeout + summary.errors.read + summary.errors.connect))
end
