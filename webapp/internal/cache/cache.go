// Package cache keeps copies of answers in Redis, and for a second in the process, and counts attempts. Everything works
// without Redis: reads miss, writes are lost, and attempts are counted in the process.
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

// timeout is how long an answer may take: a cache that is slower than the database is worse than none.
const timeout = 100 * time.Millisecond

// pause is how long Redis is left alone after an error.
const pause = 2 * time.Second

// Cache is a client of Redis that gives up quickly.
type Cache struct {
	client *redis.Client

	mu     sync.Mutex
	asleep time.Time
	local  map[string]*window

	nearMu sync.RWMutex
	near   map[string]copied
}

// copied is an answer that is kept in the process.
type copied struct {
	text []byte
	ends time.Time
}

// nearTime is how long the process answers from its own copy, so that what everybody asks for is not fetched each time.
const nearTime = time.Second

// maxNear bounds how many copies the process keeps.
const maxNear = 1000

// window counts attempts in the process while Redis is away.
type window struct {
	count int
	ends  time.Time
}

// quiet drops what the client says by itself: an absent Redis is no news, readiness shows it.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(quiet{}) }

// New returns a cache; without a host it only counts.
func New(o Options) *Cache {
	c := &Cache{local: map[string]*window{}, near: map[string]copied{}}
	if o.Host == "" {
		return c
	}
	options := &redis.Options{
		Addr: net.JoinHostPort(o.Host, strconv.Itoa(o.Port)), Password: o.Password,
		DialTimeout: timeout * 5, ReadTimeout: timeout, WriteTimeout: timeout, MaxRetries: -1, PoolSize: 20, PoolTimeout: timeout,
	}
	if o.TLS {
		options.TLSConfig = &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12}
	}
	c.client = redis.NewClient(options)
	return c
}

// Close ends all connections.
func (c *Cache) Close() error {
	if c.client == nil {
		return nil
	}
	return c.client.Close()
}

// awake reports whether Redis may be asked.
func (c *Cache) awake() bool {
	if c.client == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().After(c.asleep)
}

// sleep leaves Redis alone for a while after an error, so that every request does not wait for it anew.
func (c *Cache) sleep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asleep = time.Now().Add(pause)
}

// Near returns what the process itself has a copy of, or nil. The caller must not change it.
func (c *Cache) Near(key string) []byte {
	c.nearMu.RLock()
	kept, ok := c.near[key]
	c.nearMu.RUnlock()
	if ok && time.Now().Before(kept.ends) {
		return kept.text
	}
	return nil
}

// Get returns what is kept under key, or nil. The caller must not change it.
func (c *Cache) Get(ctx context.Context, key string) []byte {
	if text := c.Near(key); text != nil {
		return text
	}
	if !c.awake() {
		return nil
	}
	text, err := c.client.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		c.sleep()
		return nil
	}
	c.keepNear(key, text)
	return text
}

// keepNear keeps a copy in the process; when there are too many, all of them go, for none is worth more than a second.
func (c *Cache) keepNear(key string, text []byte) {
	c.nearMu.Lock()
	defer c.nearMu.Unlock()
	if len(c.near) >= maxNear {
		clear(c.near)
	}
	c.near[key] = copied{text, time.Now().Add(nearTime)}
}

// Set keeps text for a time; it may be lost.
func (c *Cache) Set(ctx context.Context, key string, text []byte, ttl time.Duration) {
	c.keepNear(key, text)
	if !c.awake() {
		return
	}
	if err := c.client.Set(ctx, key, text, ttl).Err(); err != nil {
		c.sleep()
	}
}

// Delete forgets keys; other processes may have a copy for a second more.
func (c *Cache) Delete(ctx context.Context, keys ...string) {
	c.nearMu.Lock()
	for _, key := range keys {
		delete(c.near, key)
	}
	c.nearMu.Unlock()
	if len(keys) == 0 || !c.awake() {
		return
	}
	if err := c.client.Del(ctx, keys...).Err(); err != nil {
		c.sleep()
	}
}

// Allow counts an attempt under key and reports whether it is within the limit of its window.
func (c *Cache) Allow(ctx context.Context, key string, limit int, length time.Duration) bool {
	if c.awake() {
		// In one step: a count that lost its end would lock somebody out for ever.
		var count *redis.IntCmd
		_, err := c.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			count = p.Incr(ctx, key)
			p.ExpireNX(ctx, key, length)
			return nil
		})
		if err == nil {
			return count.Val() <= int64(limit)
		}
		c.sleep()
	}
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

// maxLocal is when windows that are over are thrown away.
const maxLocal = 10_000

// Check asks Redis for a sign of life; nil where there is none to ask.
func (c *Cache) Check(ctx context.Context) error {
	if c.client == nil {
		return nil
	}
	if err := c.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("asking Redis: %w", err)
	}
	return nil
}
