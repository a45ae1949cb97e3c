package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/store"
)

//go:embed pages/*.html static/*
var files embed.FS

// assets are the static files by the name that they are served under. The name contains a part of the content's hash,
// so browsers can cache a file for a year and still get the next version at once. assetNames maps the original names to
// the paths of the files.
var assets, assetNames = hashedAssets()

// hashedAssets reads the static files. It returns their content by hashed name, and their paths by original name.
func hashedAssets() (map[string][]byte, map[string]string) {
	byName, names := map[string][]byte{}, map[string]string{}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		base, extension := path.Base(name), path.Ext(name)
		hashed := strings.TrimSuffix(base, extension) + "." + hex.EncodeToString(sum[:6]) + extension
		byName[hashed], names[base] = content, "/static/"+hashed
		return nil
	})
	if err != nil {
		// This cannot happen: the files are compiled in.
		panic(err)
	}
	return byName, names
}

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"asset": func(name string) string { return assetNames[name] },
	"euro":  func(cents any) string { return euro(cents) },
	"times": func(cents, quantity int) int64 { return int64(cents) * int64(quantity) },
	"date":  func(t time.Time) string { return t.UTC().Format("2 January 2006") },
}).ParseFS(files, "pages/*.html"))

// euro formats an amount in cents.
func euro(cents any) string {
	n, _ := strconv.ParseInt(fmt.Sprint(cents), 10, 64)
	return fmt.Sprintf("€ %d.%02d", n/100, n%100)
}

// view is the data of all page templates.
type view struct {
	Title    string
	SignedIn bool
	// Problem says what was wrong with the last form. Notice says what succeeded.
	Problem, Notice string

	Search   string
	Products []store.Product
	Next     string
	Product  store.Product
	Email    string
	Cart     []store.CartLine
	Total    int64
	// Key is the idempotency key of the order form. A form that is sent twice places one order.
	Key    string
	Orders []store.Order
}

func (s *Server) routePages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", s.limited(s.homePage))
	mux.HandleFunc("GET /products/{id}", s.limited(s.productPage))
	mux.HandleFunc("GET /sign-in", s.formPage("sign-in", "Sign in"))
	mux.HandleFunc("POST /sign-in", s.limited(s.signInPage))
	mux.HandleFunc("GET /sign-up", s.formPage("sign-up", "Create an account"))
	mux.HandleFunc("POST /sign-up", s.limited(s.signUpPage))
	mux.HandleFunc("POST /sign-out", s.signOutPage)
	mux.HandleFunc("GET /cart", s.limited(s.person(s.cartPage)))
	mux.HandleFunc("POST /cart", s.limited(s.person(s.changeCartPage)))
	mux.HandleFunc("POST /orders", s.limited(s.person(s.orderPage)))
	mux.HandleFunc("GET /orders", s.limited(s.person(s.ordersPage)))
	mux.HandleFunc("GET /static/{name}", s.asset)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.problemPage(w, r, store.ErrNotFound) })
}

// asset serves a static file. The name changes with the content, so browsers never have to revalidate it.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, ok := assets[name]
	if !ok {
		s.problemPage(w, r, store.ErrNotFound)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// render writes a page. If the template fails, it writes an error and no part of the page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.SignedIn = s.userOf(r) != 0
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, name+".html", v); err != nil {
		s.Log.Error("rendering", "page", name, "error", err)
		http.Error(w, "something went wrong", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// problemPage answers with a page that describes an error.
func (s *Server) problemPage(w http.ResponseWriter, r *http.Request, err error) {
	status, message := classify(err)
	if status == http.StatusServiceUnavailable {
		s.Log.Error("failed", "id", r.Context().Value(requestID{}), "error", err)
		w.Header().Set("Retry-After", "1")
	}
	s.render(w, r, status, "problem", view{Title: http.StatusText(status), Problem: message})
}

// homePage lists products.
func (s *Server) homePage(w http.ResponseWriter, r *http.Request) {
	p, err := readPage(r.URL.Query())
	if err != nil {
		s.problemPage(w, r, err)
		return
	}
	var list listed
	text, err := s.products(r.Context(), p)
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		s.problemPage(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "home", view{
		Title:    "All products",
		Search:   p.search,
		Products: list.Products,
		Next:     list.Next,
	})
}

// productPage shows one product.
func (s *Server) productPage(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		s.problemPage(w, r, err)
		return
	}
	var product store.Product
	text, err := s.product(r.Context(), id)
	if err == nil {
		err = json.Unmarshal(text, &product)
	}
	if err != nil {
		s.problemPage(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "product", view{Title: product.Name, Product: product})
}

// formPage returns a handler that shows an empty form.
func (s *Server) formPage(name, title string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.render(w, r, http.StatusOK, name, view{Title: title}) }
}

// formCredentials reads the credentials of a form.
func formCredentials(r *http.Request) credentials {
	return credentials{Email: r.PostFormValue("email"), Password: r.PostFormValue("password")}
}

// signInPage signs a user in.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) {
	c := formCredentials(r)
	token, err := s.authenticate(r.Context(), c, clientAddress(r))
	s.enter(w, r, "sign-in", "Sign in", c, token, err)
}

// signUpPage creates an account and signs its user in.
func (s *Server) signUpPage(w http.ResponseWriter, r *http.Request) {
	c := formCredentials(r)
	token, err := s.register(r.Context(), c)
	s.enter(w, r, "sign-up", "Create an account", c, token, err)
}

// enter sets the session cookie and redirects to the shop. If err is not nil, it shows the form again with the error.
func (s *Server) enter(
	w http.ResponseWriter, r *http.Request, name, title string, c credentials, token string, err error,
) {
	status, message := 0, ""
	switch {
	case errors.Is(err, errRefused):
		status, message = http.StatusUnauthorized, err.Error()
	case errors.Is(err, errOften):
		status, message = http.StatusTooManyRequests, err.Error()
	case err != nil:
		status, message = classify(err)
	}
	if err != nil {
		if status == http.StatusServiceUnavailable {
			s.Log.Error("failed", "id", r.Context().Value(requestID{}), "error", err)
		}
		s.render(w, r, status, name, view{Title: title, Problem: message, Email: c.Email})
		return
	}
	s.setSession(w, token, int(auth.SessionLength.Seconds()))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// setSession sets the session cookie for age seconds. A negative age deletes the cookie.
func (s *Server) setSession(w http.ResponseWriter, token string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name:     sessionCookie,
		Value:    token,
		Path:     "/",
		MaxAge:   age,
		HttpOnly: true,
		Secure:   s.SecureCookies,
		SameSite: http.SameSiteLaxMode,
	})
}

// signOutPage signs a user out.
func (s *Server) signOutPage(w http.ResponseWriter, r *http.Request) {
	s.setSession(w, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// person lets requests with a session through and redirects others to the sign-in page.
func (s *Server) person(next func(w http.ResponseWriter, r *http.Request, userID int64)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := s.userOf(r)
		if id == 0 {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		next(w, r, id)
	}
}

// cartPage shows the cart and the form that orders it.
func (s *Server) cartPage(w http.ResponseWriter, r *http.Request, userID int64) {
	lines, err := s.Store.Cart(r.Context(), userID)
	if err != nil {
		s.problemPage(w, r, err)
		return
	}
	v := view{Title: "Cart", Cart: lines, Key: newID()}
	for _, l := range lines {
		v.Total += int64(l.PriceCents) * int64(l.Quantity)
	}
	s.render(w, r, http.StatusOK, "cart", v)
}

// changeCartPage sets the quantity of a product in the cart.
func (s *Server) changeCartPage(w http.ResponseWriter, r *http.Request, userID int64) {
	id, err1 := strconv.ParseInt(r.PostFormValue("product"), 10, 64)
	quantity, err2 := strconv.Atoi(r.PostFormValue("quantity"))
	if err1 != nil || err2 != nil || id <= 0 || quantity < 0 || quantity > maxQuantity {
		s.problemPage(w, r, bad("quantity has to be a number from 0 to %d", maxQuantity))
		return
	}
	if err := s.Store.SetCart(r.Context(), userID, id, quantity); err != nil {
		s.problemPage(w, r, err)
		return
	}
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

// orderPage orders the content of the cart. A second click sends the same key. If the cart is empty by then, the first
// click has placed the order.
func (s *Server) orderPage(w http.ResponseWriter, r *http.Request, userID int64) {
	key := r.PostFormValue("key")
	if err := checkKey(key); err != nil {
		s.problemPage(w, r, bad("the form is incomplete; open the cart again"))
		return
	}
	cart, err := s.Store.Cart(r.Context(), userID)
	if err != nil {
		s.problemPage(w, r, err)
		return
	}
	if len(cart) > 0 {
		request := orderRequest{}
		for _, l := range cart {
			request.Lines = append(request.Lines, store.Line{ProductID: l.ID, Quantity: l.Quantity})
		}
		err := request.check()
		if err == nil {
			_, _, err = s.order(r.Context(), userID, key, request.Lines)
		}
		if err != nil {
			s.problemPage(w, r, err)
			return
		}
	}
	http.Redirect(w, r, "/orders", http.StatusSeeOther)
}

// ordersPage lists the user's orders.
func (s *Server) ordersPage(w http.ResponseWriter, r *http.Request, userID int64) {
	orders, err := s.Store.Orders(r.Context(), userID)
	if err != nil {
		s.problemPage(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "orders", view{Title: "Your orders", Orders: orders})
}
