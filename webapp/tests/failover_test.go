package tests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/webapp/internal/store"
)

// standby starts a synchronous standby of a primary. The standby has everything that the primary acknowledges.
func standby(t *testing.T, primary *pgServer, dir string) *pgServer {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	if os.Getuid() == 0 {
		out, err := exec.Command("chown", "postgres:postgres", dir).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	source := fmt.Sprintf("host=127.0.0.1 port=%d user=app password=app-password application_name=standby", primary.port)
	backup := asPostgres("pg_basebackup",
		"-D", dir, "-R", "-X", "stream", "-C", "-S", "standby", "--no-sync", "--checkpoint=fast", "-d", source)
	out, err := backup.CombinedOutput()
	require.NoError(t, err, string(out))
	second := &pgServer{dir: dir, port: freePort()}
	require.NoError(t, second.start())
	ctx := context.Background()
	control, err := pgx.Connect(ctx, primary.url("postgres"))
	require.NoError(t, err)
	defer control.Close(ctx)
	for _, statement := range []string{
		"ALTER SYSTEM SET synchronous_standby_names = 'standby'",
		"SELECT pg_reload_conf()",
	} {
		_, err := control.Exec(ctx, statement)
		require.NoError(t, err)
	}
	require.NoError(t, eventually(10*time.Second, func() error {
		var state string
		if err := control.QueryRow(ctx, "SELECT sync_state FROM pg_stat_replication").Scan(&state); err != nil {
			return err
		}
		if state != "sync" {
			return fmt.Errorf("the standby is %s", state)
		}
		return nil
	}))
	return second
}

// traffic is a load of orders that lasts until end is called.
type traffic struct {
	shop *shop
	stop chan struct{}
	wait sync.WaitGroup
	// acknowledged contains the keys of the orders that the application confirmed.
	acknowledged     sync.Map
	placed, failures atomic.Int64
}

// startTraffic starts buyers. Each of them places one order after the other.
func startTraffic(s *shop, buyers int) *traffic {
	o := &traffic{shop: s, stop: make(chan struct{})}
	for b := range buyers {
		who := s.person()
		o.wait.Go(func() {
			for n := 0; o.buy(who, b, n); n++ {
			}
		})
	}
	return o
}

// buy places one order. It retries with the same key after a failure, as a client does. It returns false when the
// traffic has to end.
func (o *traffic) buy(who string, buyer, n int) bool {
	key := fmt.Sprintf("failover-%d-%06d", buyer, n)
	body := fmt.Sprintf(`{"lines":[{"productId":%d,"quantity":1}]}`, 1+(buyer*7+n)%60)
	for {
		select {
		case <-o.stop:
			return false
		default:
		}
		switch o.shop.order(who, key, body).status {
		case 200, 201:
			o.acknowledged.Store(key, true)
			o.placed.Add(1)
			return true
		case 409: // Sold out.
			return true
		}
		o.failures.Add(1)
		time.Sleep(50 * time.Millisecond)
	}
}

// await waits until more than n orders have been placed.
func (o *traffic) await(limit time.Duration, n int64) error {
	return eventually(limit, func() error {
		if placed := o.placed.Load(); placed <= n {
			return fmt.Errorf("%d orders", placed)
		}
		return nil
	})
}

// end stops all buyers and waits for them.
func (o *traffic) end() {
	close(o.stop)
	o.wait.Wait()
}

// verify checks that the database has every acknowledged order, and no order twice.
func (o *traffic) verify(t *testing.T, control *pgx.Conn) {
	t.Helper()
	rows, err := control.Query(context.Background(), "SELECT idempotency_key FROM orders")
	require.NoError(t, err)
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	there := map[string]bool{}
	for _, key := range keys {
		assert.False(t, there[key], "%s is there twice", key)
		there[key] = true
	}
	seen := 0
	o.acknowledged.Range(func(key, _ any) bool {
		seen++
		assert.True(t, there[key.(string)], "%s was acknowledged and is lost", key)
		return true
	})
	assert.GreaterOrEqual(t, seen, 100)
}

// failOver kills the primary and promotes the standby.
func failOver(t *testing.T, primary, second *pgServer) {
	t.Helper()
	// This does not wait for the process: the children that the dead postmaster leaves behind end by themselves.
	require.NoError(t, primary.cmd.Process.Kill())
	time.Sleep(500 * time.Millisecond)
	out, err := asPostgres("pg_ctl", "promote", "-D", second.dir, "-w").CombinedOutput()
	require.NoError(t, err, string(out))
}

// TestFailover kills the primary while orders are placed, promotes the standby, and moves the name of the database to
// the standby. No acknowledged order is lost, no piece is sold twice, and the application becomes ready again by
// itself.
func TestFailover(t *testing.T) {
	dir, err := os.MkdirTemp("", "webapp-tests-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	primary, err := startPostgres(filepath.Join(dir, "first"))
	require.NoError(t, err)
	t.Cleanup(primary.stop)
	ctx := context.Background()
	_, err = store.Migrate(ctx, primary.url("postgres"))
	require.NoError(t, err)
	second := standby(t, primary, filepath.Join(dir, "second"))
	t.Cleanup(second.stop)

	// The name stands for the DNS name of a Multi-AZ instance, which points to the current primary.
	var name atomic.Value
	name.Store(primary.url("postgres"))
	s := openOn(t, func() (string, error) { return name.Load().(string), nil }, nil)
	const buyers, product = 6, 40
	before, err := s.store.Product(ctx, product)
	require.NoError(t, err)

	orders := startTraffic(s, buyers)
	require.NoError(t, orders.await(20*time.Second, 99))
	failOver(t, primary, second)
	name.Store(second.url("postgres"))
	moved := time.Now()
	atPromotion := orders.placed.Load()
	require.NoError(t, s.awaitReady(10*time.Second, 200))
	t.Logf("ready %.1f s after the name moved; %d requests failed meanwhile",
		time.Since(moved).Seconds(), orders.failures.Load())
	require.NoError(t, orders.await(15*time.Second, atPromotion), "no order after the failover")
	orders.end()

	control, err := pgx.Connect(ctx, second.url("postgres"))
	require.NoError(t, err)
	defer control.Close(ctx)
	orders.verify(t, control)
	var left, sold int
	row := control.QueryRow(ctx, "SELECT stock FROM products WHERE id = $1", product)
	require.NoError(t, row.Scan(&left))
	row = control.QueryRow(ctx, "SELECT coalesce(sum(quantity), 0) FROM order_items WHERE product_id = $1", product)
	require.NoError(t, row.Scan(&sold))
	assert.Equal(t, before.Stock, left+sold, "what is missing from the stock is in an order")
}
