-- One worker a thread, one connection a thread: submit an answer, get the next HIT, and so on.
-- Arguments: the file of workers (cookie, CSRF token, path of their job, assignment they hold), whether the page is wanted.
-- All but the assignment, whose id has always the same length, is put together once: what the crowd itself costs, the
-- server lacks.
local made = 0

function setup(thread)
  thread:set("number", made)
  made = made + 1
end

function init(args)
  local line = 0
  local cookie, token, path
  for text in io.lines(args[1]) do
    if line == number then cookie, token, path, assignment = text:match("(%S+) (%S+) (%S+) (%S+)") end
    line = line + 1
  end
  local headers = { ["Content-Type"] = "application/json", ["X-CSRFToken"] = token, ["Cookie"] = "broker=" .. cookie }
  local body = '{"assignment": "' .. assignment .. '", "answer": {"category": {"label": "cat"}}, "seconds": 3.2, "html": ' .. args[2] .. "}"
  local whole = wrk.format("POST", path .. "/submit", headers, body)
  local from, to = whole:find(assignment, 1, true)
  before, after = whole:sub(1, from - 1), whole:sub(to + 1)
end

function request()
  return before .. assignment .. after
end

function response(status, _, body)
  local _, before_id = body:find('"id":"', 1, true)
  assignment = status == 200 and before_id and body:match("^T%w+", before_id + 1) or error(status .. " " .. body:sub(1, 300))
end

function done(summary, latency)
  io.write(string.format("p50_ms=%.2f p99_ms=%.2f bad=%d\n", latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.timeout + summary.errors.read + summary.errors.connect))
end
