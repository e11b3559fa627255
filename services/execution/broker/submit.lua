-- Takes an order, or finds the one that was taken under the same id: idempotent.
--
-- KEYS: the order, the open orders, the counter of the broker's ids. ARGV: id, symbol, side, quantity, slices, status and
-- reason if it is new.
-- Returns the broker's id, status, reason; or an empty list if the id belongs to another order.

local order, open, ids = unpack(KEYS)
local id, symbol, side, quantity, slices, status, reason = unpack(ARGV)

local known = redis.call('HMGET', order, 'symbol', 'side', 'quantity', 'broker_id', 'status', 'reason')
if known[4] then
  if known[1] ~= symbol or known[2] ~= side or known[3] ~= quantity then
    return {}
  end
  return {known[4], known[5], known[6]}
end

local broker_id = 'paper-' .. redis.call('INCR', ids)
redis.call('HSET', order, 'symbol', symbol, 'side', side, 'quantity', quantity, 'slices', slices, 'sliced', 0, 'filled', 0,
  'broker_id', broker_id, 'status', status, 'reason', reason)
if status == 'accepted' then
  local time = redis.call('TIME')
  redis.call('ZADD', open, time[1] * 1000 + math.floor(time[2] / 1000), id)
end
return {broker_id, status, reason}
