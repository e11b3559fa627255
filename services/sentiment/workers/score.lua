-- Settles a batch of articles: each is published, counted in for its symbols and acknowledged, in one step or not at all.
--
-- KEYS: the streams of articles, scores, and rejected entries; the last id that is settled.
-- ARGV: group, half-life in seconds, prefix of the symbols' hashes, channel, and how many scores and rejected entries
-- are kept; then the batch as JSON, [{id} with {score, payload, at, symbols}, with {reason, excerpt}, or with neither].
-- Returns how many this call scored, how many it rejected, and how many were there no more:
--   1. an incarnation sends a batch and is cancelled; 2. the next one reads the same entries, which are still pending;
--   3. the first one's script runs at last; 4. the second one's runs, and must do nothing for what is acknowledged.
--
-- A script is not undone when it fails. So all that can fail for an entry is a read, or its first write.

local articles, scores, rejected, settled = unpack(KEYS)
local group, half_life, prefix, channel = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local scores_maxlen, rejected_maxlen = ARGV[5], ARGV[6]

local function acknowledge(id)
  keep_settled(settled, id)
  redis.call('XACK', articles, group, id)
end

local function is_pending(id)
  return #redis.call('XPENDING', articles, group, id, id, 1) == 1
end

-- The decayed mean with one more score. Its weights are taken at the time of the newest article, so the order in which
-- articles come does not matter, and the weight is never below that one's own 1.
local function with(key, score, at)
  local held = redis.call('HMGET', key, 'score', 'weight', 'at')
  if not held[1] then
    return score, 1, at
  end
  local mean, weight, newest = tonumber(held[1]), tonumber(held[2]), tonumber(held[3])
  local now = math.max(newest, at)
  local share = 2 ^ ((at - now) / half_life)
  weight = weight * 2 ^ ((newest - now) / half_life) + share
  return mean + (score - mean) * share / weight, weight, now
end

local function exact(number)
  return string.format('%.17g', number)
end

local function settle(entry)
  local changes = {}
  for _, symbol in ipairs(entry.symbols) do
    local key = prefix .. ':' .. symbol
    local mean, weight, at = with(key, entry.score, entry.at)
    changes[#changes + 1] = {symbol, key, 'score', exact(mean), 'weight', exact(weight), 'at', exact(at)}
  end
  redis.call('XADD', scores, 'MAXLEN', '~', scores_maxlen, '*', 'score', entry.payload)
  for _, change in ipairs(changes) do
    redis.call('HSET', unpack(change, 2))
    redis.call('PUBLISH', channel, change[1])
  end
  acknowledge(entry.id)
end

local function reject(entry)
  local fields = {'id', entry.id, 'reason', entry.reason, 'excerpt', entry.excerpt}
  redis.call('XADD', rejected, 'MAXLEN', '~', rejected_maxlen, '*', unpack(fields))
  acknowledge(entry.id)
end

local scored, refused, lost = 0, 0, 0
for _, entry in ipairs(cjson.decode(ARGV[7])) do
  if is_pending(entry.id) then
    if entry.payload then
      settle(entry)
      scored = scored + 1
    elseif entry.reason then
      reject(entry)
      refused = refused + 1
    else
      acknowledge(entry.id)
      lost = lost + 1
    end
  end
end
return {scored, refused, lost}
