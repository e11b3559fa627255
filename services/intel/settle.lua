-- Settles a batch of entries: baselines, signals and the position behind them, in one step or not at all.
--
-- KEYS: the position, the baselines (symbol to state), the stream of signals.
-- ARGV: the position that the batch was computed from, the one after it, entries that the stream keeps, the batch as
-- JSON {states: [[symbol, state]], signals: [signal]}, states and signals being texts.
-- Returns 1, or 0 if the position is another one:
--   1. an incarnation sends a batch and is cancelled; 2. the next one reads the position and the same entries;
--   3. the first one's script runs at last; 4. the second one's runs, finds the position moved, and must not count twice.

local position, baselines, signals = KEYS[1], KEYS[2], KEYS[3]

if (redis.call('GET', position) or '0-0') ~= ARGV[1] then
  return 0
end

local batch = cjson.decode(ARGV[4])
for _, row in ipairs(batch.states) do
  redis.call('HSET', baselines, row[1], row[2])
end
for _, signal in ipairs(batch.signals) do
  redis.call('XADD', signals, 'MAXLEN', '~', ARGV[3], '*', 'signal', signal)
end
redis.call('SET', position, ARGV[2])
return 1
