package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/store"
)

// How long products are kept, and how often somebody may try a password.
const (
	productTTL    = 15 * time.Second
	signInLimit   = 10
	signInWindow  = 5 * time.Minute
	sessionCookie = "session"
)

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

func newID() string {
	b := make([]byte, 12)
	// rand.Read never fails.
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A client that has gone does not matter.
	_ = json.NewEncoder(w).Encode(value)
}

// writeText writes JSON that is written already.
func writeText(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// Without it a longer answer goes out in chunks, and in one more system call.
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	// A client that has gone does not matter.
	_, _ = w.Write(text)
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}

// classify returns the status and the words for an error; what is nobody's business stays in the log.
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
	// The database is busy, away or slow: not the client's fault, and likely over soon.
	return http.StatusServiceUnavailable, "busy; try again in a second"
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := classify(err)
	if status == http.StatusServiceUnavailable {
		s.Log.Error("failed", "id", r.Context().Value(requestID{}), "error", err)
		w.Header().Set("Retry-After", "1")
	}
	writeError(w, status, message)
}

// listed is the answer to a list of products.
type listed struct {
	Products []store.Product `json:"products"`
	// Next is the cursor of the next page, or "".
	Next string `json:"next"`
}

// products lists a page as JSON, from the cache where it is there.
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

// next is the cursor of the page after a list, or "".
func next(list []store.Product, limit int) string {
	if len(list) < limit {
		return ""
	}
	return strconv.FormatInt(list[len(list)-1].ID, 10)
}

func (s *Server) listProducts(w http.ResponseWriter, r *http.Request) {
	p, err := readPage(r.URL.Query())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	// What the process has a copy of needs no database, and so no place in the queue for it.
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

// product returns one product as JSON, from the cache where it is there.
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

// register creates an account and returns its session.
func (s *Server) register(ctx context.Context, c credentials) (string, error) {
	if err := c.clean(); err != nil {
		return "", err
	}
	id, err := s.Store.AddUser(ctx, c.Email, auth.Hash(c.Password))
	if err != nil {
		return "", err
	}
	return s.Sessions.Issue(id)
}

// errRefused and errOften are the two ways in which signing in fails.
var (
	errRefused = errors.New("address or password is wrong")
	errOften   = errors.New("too many attempts; try again in a few minutes")
)

// authenticate returns a session for credentials. Attempts are counted by address and by where they come from; an unknown
// address takes as long as a wrong password.
func (s *Server) authenticate(ctx context.Context, c credentials, from string) (string, error) {
	if err := c.clean(); err != nil {
		return "", err
	}
	for _, key := range []string{"signin:" + c.Email, "signin:" + from} {
		if !s.Cache.Allow(ctx, key, signInLimit, signInWindow) {
			return "", errOften
		}
	}
	user, err := s.Store.UserByEmail(ctx, c.Email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if !auth.Matches(user.PasswordHash, c.Password) {
		return "", errRefused
	}
	return s.Sessions.Issue(user.ID)
}

// clientAddress is where a request comes from: CloudFront and the load balancer each add one address, so the second from
// the end is the viewer's. Earlier ones are whatever the viewer wrote.
func clientAddress(r *http.Request) string {
	if all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); len(all) >= 2 {
		return strings.TrimSpace(all[len(all)-2])
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *Server) signUp(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if err := decodeJSON(r.Body, &c); err != nil {
		s.fail(w, r, err)
		return
	}
	token, err := s.register(r.Context(), c)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{"token": token})
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if err := decodeJSON(r.Body, &c); err != nil {
		s.fail(w, r, err)
		return
	}
	token, err := s.authenticate(r.Context(), c, clientAddress(r))
	switch {
	case errors.Is(err, errRefused):
		writeError(w, http.StatusUnauthorized, err.Error())
	case errors.Is(err, errOften):
		w.Header().Set("Retry-After", "300")
		writeError(w, http.StatusTooManyRequests, err.Error())
	case err != nil:
		s.fail(w, r, err)
	default:
		writeJSON(w, http.StatusOK, map[string]string{"token": token})
	}
}

// userOf returns who is signed in, by header or cookie; 0 for nobody.
func (s *Server) userOf(r *http.Request) int64 {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		cookie, err := r.Cookie(sessionCookie)
		if err != nil {
			return 0
		}
		token = cookie.Value
	}
	id, err := s.Sessions.User(token)
	if err != nil {
		return 0
	}
	return id
}

// signedIn lets only people with a session through.
func (s *Server) signedIn(next func(w http.ResponseWriter, r *http.Request, userID int64)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := s.userOf(r)
		if id == 0 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeError(w, http.StatusUnauthorized, "sign in first")
			return
		}
		next(w, r, id)
	}
}

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

// order places an order and forgets what the cache knows of its products.
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
