-- Each request places one order with a key of its own.
local thread = 0
function setup(t) t:set("id", thread); thread = thread + 1 end
function init(args) token, run, n = args[1], args[2], 0 end
function request()
  n = n + 1
  return wrk.format("POST", "/api/orders", {
    ["Authorization"] = "Bearer " .. token,
    ["Idempotency-Key"] = run .. "-" .. id .. "-" .. n,
    ["Content-Type"] = "application/json",
  }, '{"lines":[{"productId":' .. (1 + (n * 7 + id) % 60) .. ',"quantity":1}]}')
end
