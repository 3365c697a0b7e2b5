-- For wrk: the requests are made once and sent in turn; what it counted and timed is written as one line.
local requests, sent = {}, 0

function init(arguments)
  local path, kind, folder, count = unpack(arguments, 1, 4)
  wrk.headers["Content-Type"] = kind
  for number = 1, count do
    local file = assert(io.open(folder .. "/" .. number, "rb"))
    requests[number] = wrk.format("POST", path, nil, file:read("*a"))
    file:close()
  end
end

function request()
  sent = sent + 1
  return requests[sent % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write("RESULT ", summary.requests, " ", summary.duration, " ", failed)
  for permille = 1, 999 do io.write(" ", latency:percentile(permille / 10)) end
end
