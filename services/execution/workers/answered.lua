-- Writes down what the broker answered to an order, once; nothing if that was done before.
--
-- KEYS: the order's record, unsent, open, the open quantities of its side. ARGV: order id, status, reason, the broker's
-- id, seconds that the record of a refused order stays.
-- Its fills may be here before the answer is, when the first answer got lost: then its state is further on already.

local record, unsent, open, exposure = unpack(KEYS)
local id, status, reason, broker_id, ttl = unpack(ARGV)

if redis.call('ZREM', unsent, id) == 0 then
  return 0
end
redis.call('HSET', record, 'broker_id', broker_id)
if status == 'refused' then
  local order = redis.call('HMGET', record, 'symbol', 'quantity', 'filled')
  redis.call('HSET', record, 'state', 'refused', 'reason', reason)
  redis.call('HINCRBY', exposure, order[1], order[3] - order[2])
  redis.call('ZREM', open, id)
  redis.call('EXPIRE', record, ttl)
elseif redis.call('HGET', record, 'state') == 'decided' then
  redis.call('HSET', record, 'state', 'accepted')
end
return 1
