-- Fills the next slice of an order, once.
--
-- KEYS: the order, the open orders, the fills. ARGV: id, how many of its slices were done before, the price.
-- Returns 1, or 0 if another slice is next by now.

local order, open, fills = unpack(KEYS)
local id, before, price = ARGV[1], ARGV[2] + 0, ARGV[3] + 0

local held = redis.call('HMGET', order, 'symbol', 'side', 'quantity', 'slices', 'sliced')
local quantity, sliced = tonumber(held[3]), tonumber(held[5])
local slices = math.min(tonumber(held[4]), quantity)
if sliced ~= before or sliced >= slices then
  return 0
end

local part = math.floor(quantity * (sliced + 1) / slices) - math.floor(quantity * sliced / slices)
local time = redis.call('TIME')
local fill = {id = id .. ':' .. (sliced + 1), order = id, symbol = held[1], side = held[2], quantity = part, price = price,
  at = time[1] + math.floor(time[2] / 1000) / 1000}
redis.call('XADD', fills, '*', 'fill', cjson.encode(fill))
redis.call('HINCRBY', order, 'filled', part)
redis.call('HINCRBY', order, 'sliced', 1)
if sliced + 1 == slices then
  redis.call('ZREM', open, id)
end
return 1
