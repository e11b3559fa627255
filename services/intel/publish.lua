-- Publishes those articles of a document that nobody has published before, and keeps what the feed's next poll needs.
-- All of it in one step: whoever is killed before it has done nothing, and after it everything.
--
-- KEYS: the stream, the articles that were seen (sorted by when last), the state of the feed.
-- ARGV: now, and the time before which what was last seen is forgotten (milliseconds); entries that the stream keeps;
-- ETag, Last-Modified, digest of the address, now in seconds; then an id and an article, for each.
-- Returns how many were published. Running it twice publishes nothing twice.

local stream, seen, state = KEYS[1], KEYS[2], KEYS[3]
local now, horizon, maxlen = ARGV[1], ARGV[2], ARGV[3]
local published = 0

for i = 8, #ARGV, 2 do
  if redis.call('ZADD', seen, now, ARGV[i]) == 1 then
    redis.call('XADD', stream, 'MAXLEN', '~', maxlen, '*', 'article', ARGV[i + 1])
    published = published + 1
  end
end

redis.call('ZREMRANGEBYSCORE', seen, '-inf', '(' .. horizon)
redis.call('HSET', state, 'etag', ARGV[4], 'modified', ARGV[5], 'url', ARGV[6], 'polled', ARGV[7])
return published
