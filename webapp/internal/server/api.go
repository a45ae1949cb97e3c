package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"groundwork/webapp/internal/store"
)

// productTTL is how long the cache keeps products.
const productTTL = 15 * time.Second

// routeAPI registers the handlers of the API.
func (s *Server) routeAPI(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/products", s.listProducts)
	mux.HandleFunc("GET /api/products/{id}", s.limited(s.showProduct))
	mux.HandleFunc("POST /api/users", s.limited(s.signUp))
	mux.HandleFunc("POST /api/session", s.limited(s.signIn))
	mux.HandleFunc("GET /api/cart", s.limited(s.signedIn(s.showCart)))
	mux.HandleFunc("PUT /api/cart/{id}", s.limited(s.signedIn(s.setCart)))
	mux.HandleFunc("POST /api/orders", s.limited(s.signedIn(s.placeOrder)))
	mux.HandleFunc("GET /api/orders", s.limited(s.signedIn(s.listOrders)))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "there is no such path")
	})
}

// newID returns a random ID.
func newID() string {
	b := make([]byte, 12)
	// rand.Read never fails.
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// writeJSON encodes value as the response.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The only error is a closed connection.
	_ = json.NewEncoder(w).Encode(value)
}

// writeText writes text, which is already JSON, as the response.
func writeText(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// Without a length, a longer response is sent in chunks, and with one more system call.
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	// The only error is a closed connection.
	_, _ = w.Write(text)
}

// writeError writes an error as the response.
func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}

// classify returns the status and the message for an error. The message of an unexpected error reveals nothing; fail
// logs the error itself.
func classify(err error) (int, string) {
	var refused badRequest
	var short *store.OutOfStock
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &refused):
		return http.StatusBadRequest, refused.message
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit)
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, "not found"
	case errors.Is(err, store.ErrTaken):
		return http.StatusConflict, "there is an account with this address already"
	case errors.Is(err, store.ErrReused):
		return http.StatusUnprocessableEntity, "this Idempotency-Key was used for another order"
	case errors.As(err, &short):
		return http.StatusConflict, fmt.Sprintf("of product %d only %d are left", short.ProductID, short.Left)
	}
	// The database is busy, unreachable or slow. The client did nothing wrong and may try again soon.
	return http.StatusServiceUnavailable, "busy; try again in a second"
}

// fail answers an API request with an error, and logs the error if it is unexpected.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := classify(err)
	if status == http.StatusServiceUnavailable {
		s.Log.Error("failed", "id", r.Context().Value(requestID{}), "error", err)
		w.Header().Set("Retry-After", "1")
	}
	writeError(w, status, message)
}

// listed is one page of a product list.
type listed struct {
	Products []store.Product `json:"products"`
	// Next is the cursor of the next page. It is empty on the last page.
	Next string `json:"next"`
}

// products returns a page of products as JSON, from the cache if the cache has it.
func (s *Server) products(ctx context.Context, p page) ([]byte, error) {
	key := p.key()
	if text := s.Cache.Get(ctx, key); text != nil {
		return text, nil
	}
	list, err := s.Store.Products(ctx, p.search, p.after, p.limit)
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = []store.Product{}
	}
	text, err := json.Marshal(listed{list, next(list, p.limit)})
	if err != nil {
		return nil, fmt.Errorf("writing a list: %w", err)
	}
	s.Cache.Set(ctx, key, text, productTTL)
	return text, nil
}

// next returns the cursor of the page after a list, or "" if the list is the last page.
func next(list []store.Product, limit int) string {
	if len(list) < limit {
		return ""
	}
	return strconv.FormatInt(list[len(list)-1].ID, 10)
}

// listProducts serves a page of products.
func (s *Server) listProducts(w http.ResponseWriter, r *http.Request) {
	p, err := readPage(r.URL.Query())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	// A page that the process has a copy of needs no database, so the request does not have to queue for it.
	if text := s.Cache.Near(p.key()); text != nil {
		writeText(w, text)
		return
	}
	s.limited(func(w http.ResponseWriter, r *http.Request) {
		text, err := s.products(r.Context(), p)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeText(w, text)
	})(w, r)
}

// product returns one product as JSON, from the cache if the cache has it.
func (s *Server) product(ctx context.Context, id int64) ([]byte, error) {
	key := fmt.Sprintf("product:%d", id)
	if text := s.Cache.Get(ctx, key); text != nil {
		return text, nil
	}
	product, err := s.Store.Product(ctx, id)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(product)
	if err != nil {
		return nil, fmt.Errorf("writing a product: %w", err)
	}
	s.Cache.Set(ctx, key, text, productTTL)
	return text, nil
}

// showProduct serves one product.
func (s *Server) showProduct(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	text, err := s.product(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeText(w, text)
}
