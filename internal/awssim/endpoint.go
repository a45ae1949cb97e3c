package awssim

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"time"
)

// endpointProxy is an HTTPS proxy that answers for every simulated cluster endpoint itself: pulumi-eks requests
// /healthz of a public endpoint before it continues. Nothing leaves the machine.
type endpointProxy struct {
	listener    net.Listener
	certificate tls.Certificate
}

// startEndpointProxy listens on a free port of the loopback interface.
func startEndpointProxy() (*endpointProxy, error) {
	certificate, err := selfSigned()
	if err != nil {
		return nil, fmt.Errorf("serving cluster endpoints: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving cluster endpoints: %w", err)
	}
	p := &endpointProxy{listener: listener, certificate: certificate}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.answer(conn)
		}
	}()
	return p, nil
}

// URL is the value of HTTPS_PROXY.
func (p *endpointProxy) URL() string { return "http://" + p.listener.Addr().String() }

// Stop closes the listener.
func (p *endpointProxy) Stop() { _ = p.listener.Close() }

// answer accepts one CONNECT request and serves the tunnel itself.
func (p *endpointProxy) answer(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || request.Method != http.MethodConnect {
		_, _ = io.WriteString(conn, "HTTP/1.1 405 Method Not Allowed\r\n\r\n")
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection Established\r\n\r\n"); err != nil {
		return
	}
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{p.certificate}, MinVersion: tls.VersionTLS12})
	defer secure.Close()
	inner, err := http.ReadRequest(bufio.NewReader(secure))
	if err != nil {
		return
	}
	status, body := "200 OK", "ok"
	if inner.URL.Path != "/healthz" {
		status, body = "404 Not Found", "the sandbox serves /healthz only"
	}
	fmt.Fprintf(secure, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(body), body)
}

// selfSigned returns a new certificate, valid for a day.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sandbox"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
