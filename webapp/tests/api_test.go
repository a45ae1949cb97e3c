package tests

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestProducts reads the product list page by page, searches it, and sends invalid queries.
func TestProducts(t *testing.T) {
	s := open(t, nil)
	seen, cursor := 0, ""
	for {
		list := s.call("GET", "/api/products?limit=25&cursor="+cursor, "").json(t)
		seen += len(list["products"].([]any))
		if cursor = list["next"].(string); cursor == "" {
			break
		}
	}
	assert.Equal(t, 60, seen, "the pages together are all products, each once")
	found := s.call("GET", "/api/products?search=teapot", "").json(t)["products"].([]any)
	assert.NotEmpty(t, found)
	for _, p := range found {
		assert.Contains(t, p.(map[string]any)["name"], "teapot")
	}
	assert.Empty(t, s.call("GET", "/api/products?search=zeppelin", "").json(t)["products"])
	one := s.call("GET", "/api/products/1", "")
	assert.Equal(t, 200, one.status)
	assert.Equal(t, "P00001", one.json(t)["sku"])
	for path, status := range map[string]int{
		"/api/products/999":                                404,
		"/api/products/x":                                  404,
		"/api/products/-1":                                 404,
		"/api/products?limit=0":                            400,
		"/api/products?limit=101":                          400,
		"/api/products?cursor=x":                           400,
		"/api/products?search=" + strings.Repeat("a", 101): 400,
		"/api/nothing":                                     404,
	} {
		assert.Equal(t, status, s.call("GET", path, "").status, path)
	}
}

// TestSessions signs up and in, sends wrong passwords and invalid tokens, and exceeds the limit of attempts.
func TestSessions(t *testing.T) {
	s := open(t, nil)
	const right = `{"email":"ann@example.com","password":"correct horse"}`
	const wrong = `{"email":"ann@example.com","password":"wrong password"}`
	up := s.call("POST", "/api/users", `{"email":"Ann@Example.com","password":"correct horse"}`)
	require.Equal(t, 201, up.status)
	taken := s.call("POST", "/api/users", `{"email":"ann@example.com","password":"another one"}`)
	assert.Equal(t, 409, taken.status)
	in := s.call("POST", "/api/session", right)
	require.Equal(t, 200, in.status)
	who := "Bearer " + in.json(t)["token"].(string)
	assert.Equal(t, 200, s.call("GET", "/api/cart", "", "Authorization", who).status)
	for _, body := range []string{wrong, `{"email":"nobody@example.com","password":"wrong password"}`} {
		a := s.call("POST", "/api/session", body)
		assert.Equal(t, 401, a.status)
		assert.Contains(t, a.body, "address or password is wrong", "an answer does not say who has an account")
	}
	for _, token := range []string{"", "Bearer x", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."} {
		assert.Equal(t, 401, s.call("GET", "/api/cart", "", "Authorization", token).status, token)
	}
	for range 10 {
		s.call("POST", "/api/session", wrong)
	}
	a := s.call("POST", "/api/session", right)
	assert.Equal(t, 429, a.status)
	assert.Equal(t, "300", a.header.Get("Retry-After"))
}

// TestMalformedRequests sends requests that the API must refuse.
func TestMalformedRequests(t *testing.T) {
	s := open(t, nil)
	who := s.person()
	for body, want := range map[string]string{
		``:            "not the JSON",
		`[]`:          "not the JSON",
		`{"email":1}`: "not the JSON",
		`{"e":1}`:     "unknown field",
		`{"email":"a@example.com","password":"correct horse"} {}`: "more than one",
		`{"email":"nobody","password":"correct horse"}`:           "not an e-mail address",
		`{"email":"a@example.com","password":"short"}`:            "10 to 200 characters",
	} {
		a := s.call("POST", "/api/users", body)
		assert.Equal(t, 400, a.status, body)
		assert.Contains(t, a.body, want, body)
	}
	for body, want := range map[string]string{
		`{}`: "1 to 50 entries",
		`{"lines":[{"productId":0,"quantity":1}]}`:                              "is no product",
		`{"lines":[{"productId":1,"quantity":100}]}`:                            "outside 1 to 99",
		`{"lines":[{"productId":1,"quantity":1},{"productId":1,"quantity":1}]}`: "there twice",
		`{"lines":"all"}`: "not the JSON",
	} {
		a := s.order(who, "12345678", body)
		assert.Equal(t, 400, a.status, body)
		assert.Contains(t, a.body, want, body)
	}
	keyless := s.call("POST", "/api/orders", `{"lines":[{"productId":1,"quantity":1}]}`, "Authorization", who)
	assert.Equal(t, 400, keyless.status, "an order needs a key")
	large := s.call("POST", "/api/users", `{"email":"`+strings.Repeat("a", 70_000)+`"}`)
	assert.Equal(t, 413, large.status)
	foreign := s.call("POST", "/sign-out", "", "Origin", "https://elsewhere.example")
	assert.Equal(t, 403, foreign.status, "another site cannot act in somebody's name")
	assert.NotContains(t, s.logs.String(), "correct horse", "no secret is logged")
}

// TestOrders places an order twice with the same key, and places orders that must fail.
func TestOrders(t *testing.T) {
	s := open(t, nil)
	who := s.person()
	body := `{"lines":[{"productId":2,"quantity":3},{"productId":1,"quantity":1}]}`
	first := s.order(who, "order-0001", body)
	require.Equal(t, 201, first.status, first.body)
	again := s.order(who, "order-0001", body)
	assert.Equal(t, 200, again.status)
	assert.Equal(t, first.json(t)["id"], again.json(t)["id"], "a retried order is one order")
	reused := s.order(who, "order-0001", `{"lines":[{"productId":3,"quantity":1}]}`)
	assert.Equal(t, 422, reused.status)
	short := s.order(who, "order-0002", `{"lines":[{"productId":1,"quantity":99}]}`)
	assert.Equal(t, 409, short.status)
	assert.Contains(t, short.body, "only 20 are left")
	unknown := s.order(who, "order-0003", `{"lines":[{"productId":9999,"quantity":1}]}`)
	assert.Equal(t, 404, unknown.status)
	orders := s.call("GET", "/api/orders", "", "Authorization", who).json(t)["orders"].([]any)
	assert.Len(t, orders, 1, "what failed left nothing")
	others := s.call("GET", "/api/orders", "", "Authorization", s.person()).json(t)["orders"]
	assert.Empty(t, others, "orders are their owner's")
}

// TestStockIsNeverNegative lets twenty users order the last pieces at the same time. Each user sends the order twice.
func TestStockIsNeverNegative(t *testing.T) {
	s := open(t, nil)
	var sold atomic.Int64
	var wait sync.WaitGroup
	for i := range 20 {
		who := s.person()
		for range 2 {
			wait.Go(func() {
				body := `{"lines":[{"productId":1,"quantity":2},{"productId":2,"quantity":2}]}`
				a := s.order(who, fmt.Sprintf("last-pieces-%d", i), body)
				if a.status == 201 {
					sold.Add(2)
				}
				assert.Contains(t, []int{200, 201, 409}, a.status, a.body)
			})
		}
	}
	wait.Wait()
	first, err := s.store.Product(context.Background(), 1)
	require.NoError(t, err)
	assert.Equal(t, int64(20), sold.Load(), "of 21 pieces, two at a time")
	assert.Equal(t, 1, first.Stock, "what was sold is what is missing")
}

// TestCart fills a cart, orders a part of it, and empties it.
func TestCart(t *testing.T) {
	s := open(t, nil)
	who := s.person()
	set := func(path, body string) int { return s.call("PUT", path, body, "Authorization", who).status }
	lines := func() any { return s.call("GET", "/api/cart", "", "Authorization", who).json(t)["lines"] }
	require.Equal(t, 204, set("/api/cart/5", `{"quantity":2}`))
	require.Equal(t, 204, set("/api/cart/5", `{"quantity":4}`))
	require.Equal(t, 204, set("/api/cart/6", `{"quantity":1}`))
	assert.Len(t, lines(), 2)
	require.Equal(t, 201, s.order(who, "cart-0001", `{"lines":[{"productId":5,"quantity":4}]}`).status)
	assert.Len(t, lines(), 1, "what was ordered left the cart")
	require.Equal(t, 204, set("/api/cart/6", `{"quantity":0}`))
	assert.Empty(t, lines())
	assert.Equal(t, 404, set("/api/cart/9999", `{"quantity":1}`))
	assert.Equal(t, 400, set("/api/cart/1", `{"quantity":-1}`))
}
