package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"

	"groundwork/webapp/internal/store"
)

// showCart serves the user's cart.
func (s *Server) showCart(w http.ResponseWriter, r *http.Request, userID int64) {
	lines, err := s.Store.Cart(r.Context(), userID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if lines == nil {
		lines = []store.CartLine{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"lines": lines})
}

// setCart sets the quantity of a product in the user's cart.
func (s *Server) setCart(w http.ResponseWriter, r *http.Request, userID int64) {
	var body struct {
		Quantity int `json:"quantity"`
	}
	id, err := pathID(r)
	if err == nil {
		err = decodeJSON(r.Body, &body)
	}
	if err == nil && (body.Quantity < 0 || body.Quantity > maxQuantity) {
		err = bad("quantity %d is outside 0 to %d", body.Quantity, maxQuantity)
	}
	if err == nil {
		err = s.Store.SetCart(r.Context(), userID, id, body.Quantity)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// order places an order and removes its products from the cache.
func (s *Server) order(ctx context.Context, userID int64, key string, lines []store.Line) (store.Order, bool, error) {
	text, err := json.Marshal(lines)
	if err != nil {
		return store.Order{}, false, fmt.Errorf("hashing an order: %w", err)
	}
	hash := sha256.Sum256(text)
	order, created, err := s.Store.PlaceOrder(ctx, userID, key, hash[:], lines)
	if err != nil {
		return order, created, err
	}
	if created {
		s.metrics.orders.Inc()
		var stale []string
		for _, line := range lines {
			stale = append(stale, fmt.Sprintf("product:%d", line.ProductID))
		}
		s.Cache.Delete(ctx, stale...)
	}
	return order, created, nil
}

// placeOrder places an order. A repeated request with the same key gets the first order again.
func (s *Server) placeOrder(w http.ResponseWriter, r *http.Request, userID int64) {
	var body orderRequest
	key := r.Header.Get("Idempotency-Key")
	err := checkKey(key)
	if err == nil {
		err = decodeJSON(r.Body, &body)
	}
	if err == nil {
		err = body.check()
	}
	var order store.Order
	created := false
	if err == nil {
		order, created, err = s.order(r.Context(), userID, key, body.Lines)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	writeJSON(w, status, order)
}

// listOrders serves the user's orders.
func (s *Server) listOrders(w http.ResponseWriter, r *http.Request, userID int64) {
	orders, err := s.Store.Orders(r.Context(), userID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if orders == nil {
		orders = []store.Order{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"orders": orders})
}
