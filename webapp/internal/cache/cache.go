// Package cache keeps copies of responses in Redis, and for a second in the process. It also counts attempts.
//
// The package works without Redis: reads miss, writes are lost, and the process counts attempts by itself.
package cache

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Options say how to reach Redis.
type Options struct {
	Host     string
	Port     int
	Password string
	TLS      bool
}

// timeout limits how long a request to Redis may take. A cache that is slower than the database is worse than none.
const timeout = 100 * time.Millisecond

// pauseAfterError is how long the cache sends no requests to Redis after an error.
const pauseAfterError = 2 * time.Second

// Cache is a client of Redis that gives up quickly.
type Cache struct {
	client *redis.Client

	mu          sync.Mutex
	pausedUntil time.Time
	local       map[string]*window

	nearMu sync.RWMutex
	near   map[string]copied
}

// copied is a response that the process keeps.
type copied struct {
	text []byte
	ends time.Time
}

// nearTime is how long the process answers from its own copy. Popular keys then cost one request to Redis a second.
const nearTime = time.Second

// maxNear limits how many copies the process keeps.
const maxNear = 1000

// window counts attempts in the process while Redis is unavailable.
type window struct {
	count int
	ends  time.Time
}

// quiet discards the log of the Redis client. The readiness probe already shows whether Redis is reachable.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(quiet{}) }

// New returns a cache. Without a host, the cache does not use Redis.
func New(o Options) *Cache {
	c := &Cache{local: map[string]*window{}, near: map[string]copied{}}
	if o.Host == "" {
		return c
	}
	options := &redis.Options{
		Addr:         net.JoinHostPort(o.Host, strconv.Itoa(o.Port)),
		Password:     o.Password,
		DialTimeout:  timeout * 5,
		ReadTimeout:  timeout,
		WriteTimeout: timeout,
		MaxRetries:   -1,
		PoolSize:     20,
		PoolTimeout:  timeout,
	}
	if o.TLS {
		options.TLSConfig = &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12}
	}
	c.client = redis.NewClient(options)
	return c
}

// Close closes all connections.
func (c *Cache) Close() error {
	if c.client == nil {
		return nil
	}
	return c.client.Close()
}

// available reports whether there is a Redis that is not paused after an error.
func (c *Cache) available() bool {
	if c.client == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().After(c.pausedUntil)
}

// pause stops requests to Redis for a while after an error. Otherwise every HTTP request would wait for the timeout.
func (c *Cache) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pausedUntil = time.Now().Add(pauseAfterError)
}

// Near returns the copy that the process itself keeps under key, or nil. The caller must not change it.
func (c *Cache) Near(key string) []byte {
	c.nearMu.RLock()
	kept, ok := c.near[key]
	c.nearMu.RUnlock()
	if ok && time.Now().Before(kept.ends) {
		return kept.text
	}
	return nil
}

// Get returns the text under key, or nil. The caller must not change it.
func (c *Cache) Get(ctx context.Context, key string) []byte {
	if text := c.Near(key); text != nil {
		return text
	}
	if !c.available() {
		return nil
	}
	text, err := c.client.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		c.pause()
		return nil
	}
	c.keepNear(key, text)
	return text
}

// keepNear keeps a copy in the process. If there are too many copies, it drops all of them: each is valid for a second
// only.
func (c *Cache) keepNear(key string, text []byte) {
	c.nearMu.Lock()
	defer c.nearMu.Unlock()
	if len(c.near) >= maxNear {
		clear(c.near)
	}
	c.near[key] = copied{text, time.Now().Add(nearTime)}
}

// Set keeps text under key for at most ttl. The text may be lost earlier.
func (c *Cache) Set(ctx context.Context, key string, text []byte, ttl time.Duration) {
	c.keepNear(key, text)
	if !c.available() {
		return
	}
	if err := c.client.Set(ctx, key, text, ttl).Err(); err != nil {
		c.pause()
	}
}

// Delete removes keys. Other processes may keep a copy for another second.
func (c *Cache) Delete(ctx context.Context, keys ...string) {
	c.nearMu.Lock()
	for _, key := range keys {
		delete(c.near, key)
	}
	c.nearMu.Unlock()
	if len(keys) == 0 || !c.available() {
		return
	}
	if err := c.client.Del(ctx, keys...).Err(); err != nil {
		c.pause()
	}
}

// Allow counts an attempt under key and reports whether it is within the limit of its window.
func (c *Cache) Allow(ctx context.Context, key string, limit int, length time.Duration) bool {
	if c.available() {
		// One transaction sets the count and its expiry. A count without an expiry would lock somebody out for ever.
		var count *redis.IntCmd
		_, err := c.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			count = p.Incr(ctx, key)
			p.ExpireNX(ctx, key, length)
			return nil
		})
		if err == nil {
			return count.Val() <= int64(limit)
		}
		c.pause()
	}
	return c.allowLocally(key, limit, length)
}

// maxLocal is the number of windows above which allowLocally discards the expired ones.
const maxLocal = 10_000

// allowLocally is Allow without Redis.
func (c *Cache) allowLocally(key string, limit int, length time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if len(c.local) > maxLocal {
		for k, w := range c.local {
			if now.After(w.ends) {
				delete(c.local, k)
			}
		}
	}
	w := c.local[key]
	if w == nil || now.After(w.ends) {
		w = &window{ends: now.Add(length)}
		c.local[key] = w
	}
	w.count++
	return w.count <= limit
}

// Check pings Redis. It returns nil if the cache does not use Redis.
func (c *Cache) Check(ctx context.Context) error {
	if c.client == nil {
		return nil
	}
	if err := c.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("asking Redis: %w", err)
	}
	return nil
}
