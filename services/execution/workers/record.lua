-- Records fills, each once, and moves the cursor behind them, in one step.
--
-- KEYS: fills, positions, open, the cursor, rejected. ARGV: the cursor before, the cursor behind, the fills as JSON, the
-- key before an order's id, the key before a side, about how many fills and how many rejected ones are kept, seconds
-- that the record of an order stays.
-- A fill is known by its id, in the record of its order. So a script of a dead incarnation that runs late changes
-- nothing, and moves the cursor only from where it believed it to be.

local fills, positions, open, cursor, rejected = unpack(KEYS)
local before, behind = ARGV[1], ARGV[2]
local recorded = 0

local function reject(fill)
  redis.call('XADD', rejected, 'MAXLEN', '~', ARGV[7], '*', 'reason', 'a fill of an order that we do not know',
    'excerpt', cjson.encode(fill))
end

local function record(fill, order)
  local quantity = redis.call('HGET', order, 'quantity') + 0
  local filled = redis.call('HINCRBY', order, 'filled', fill.quantity)
  local signed = fill.side == 'buy' and fill.quantity or -fill.quantity
  redis.call('XADD', fills, 'MAXLEN', '~', ARGV[6], '*', 'fill', cjson.encode(fill))
  redis.call('HINCRBY', positions, fill.symbol, signed)
  redis.call('HINCRBY', ARGV[5] .. ':' .. fill.side, fill.symbol, -fill.quantity)
  redis.call('HSET', order, 'state', filled < quantity and 'partly_filled' or 'filled')
  if filled >= quantity then
    redis.call('ZREM', open, fill.order)
    redis.call('EXPIRE', order, ARGV[8])
  end
end

for _, fill in ipairs(cjson.decode(ARGV[3])) do
  local order = ARGV[4] .. ':' .. fill.order
  if redis.call('HEXISTS', order, 'quantity') == 0 then
    if (redis.call('GET', cursor) or '0-0') == before then
      reject(fill)
    end
  elseif redis.call('HSETNX', order, 'fill:' .. fill.id, fill.quantity) == 1 then
    record(fill, order)
    recorded = recorded + 1
  end
end

if (redis.call('GET', cursor) or '0-0') == before then
  redis.call('SET', cursor, behind)
end
return recorded
