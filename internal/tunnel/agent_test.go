package tunnel_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/message"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/twinj/uuid"
	"github.com/xtaci/smux"
)

// manager is a stand-in for Session Manager and the agent on the bastion: StartSession as the API answers it, and the
// data channel as the agent serves it, with the messages of AWS's library.
type manager struct {
	*httptest.Server
	t *testing.T
	// api is the address to which the agent connects.
	api string

	mu sync.Mutex
	// started has the parameters of each session.
	started []map[string]any
	// channels are the data channels that are open.
	channels []*agent
}

func newManager(t *testing.T, api string) *manager {
	uuid.SwitchFormat(uuid.CleanHyphen)
	m := &manager{t: t, api: api}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(func() {
		m.drop()
		m.Close()
	})
	return m
}

// sessions returns how many sessions were started.
func (m *manager) sessions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.started)
}

// drop closes every data channel, as AWS does when a bastion ends.
func (m *manager) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, channel := range m.channels {
		closed, _ := json.Marshal(message.ChannelClosed{Output: "the instance stopped"})
		channel.write(packet(0, message.ChannelClosedMessage, 0, closed))
		channel.Close()
	}
	m.channels = nil
}

func (m *manager) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/channel" {
		m.channel(w, r)
		return
	}
	body := map[string]any{}
	assert.NoError(m.t, json.NewDecoder(r.Body).Decode(&body))
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "AmazonSSM.StartSession":
		m.mu.Lock()
		m.started = append(m.started, body)
		n := len(m.started)
		m.mu.Unlock()
		fmt.Fprintf(w, `{"SessionId": "user-%d-%s", "StreamUrl": %q, "TokenValue": "token-%d"}`, n, uuid.NewV4(),
			"ws"+strings.TrimPrefix(m.URL, "http")+"/channel", n)
	case "AmazonSSM.ResumeSession":
		// As for a session that was terminated.
		fmt.Fprint(w, `{}`)
	default:
		m.t.Errorf("call of %s", target)
	}
}

// packet returns a message of the data channel.
func packet(sequence int64, kind string, payloadType message.PayloadType, payload []byte) []byte {
	out, err := (&message.ClientMessage{
		MessageType: kind, SchemaVersion: 1, CreatedDate: uint64(time.Now().UnixMilli()), SequenceNumber: sequence,
		MessageId: uuid.NewV4(), PayloadType: uint32(payloadType), Payload: payload,
	}).SerializeClientMessage(log.NewMockLog())
	if err != nil {
		panic(err)
	}
	return out
}

// agent is one end of a data channel. It is the connection over which smux multiplexes.
type agent struct {
	channel  *websocket.Conn
	mu       sync.Mutex
	sequence int64
	received *io.PipeReader
}

func (a *agent) Read(p []byte) (int, error) { return a.received.Read(p) }
func (a *agent) Close() error               { return a.channel.Close() }
func (a *agent) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		part := p[sent:min(len(p), sent+1024)]
		a.stream(message.Output, part)
		sent += len(part)
	}
	return len(p), nil
}

// send sends a message of the handshake.
func (a *agent) send(t message.PayloadType, content any) {
	payload, _ := json.Marshal(content)
	a.stream(t, payload)
}

// write sends a message outside of the sequence.
func (a *agent) write(packet []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.channel.WriteMessage(websocket.BinaryMessage, packet)
}

// stream sends the next message of the sequence.
func (a *agent) stream(t message.PayloadType, payload []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.channel.WriteMessage(websocket.BinaryMessage, packet(a.sequence, message.OutputStreamMessage, t, payload))
	a.sequence++
}

// acknowledge confirms a message of the client, which sends it again otherwise.
func (a *agent) acknowledge(in *message.ClientMessage) {
	content, _ := json.Marshal(message.AcknowledgeContent{
		MessageType: in.MessageType, MessageId: in.MessageId.String(), SequenceNumber: in.SequenceNumber,
		IsSequentialMessage: true,
	})
	a.write(packet(0, message.AcknowledgeMessage, 0, content))
}

// channel serves one data channel: the token, the handshake, and then connections to the API.
func (m *manager) channel(w http.ResponseWriter, r *http.Request) {
	channel, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if !assert.NoError(m.t, err) {
		return
	}
	_, opening, err := channel.ReadMessage()
	assert.NoError(m.t, err)
	assert.Contains(m.t, string(opening), `"TokenValue":"token-`)
	received, feed := io.Pipe()
	a := &agent{channel: channel, received: received}
	m.mu.Lock()
	m.channels = append(m.channels, a)
	m.mu.Unlock()
	properties, _ := json.Marshal(message.SessionTypeRequest{SessionType: "Port", Properties: map[string]any{
		"portNumber": "443", "type": "LocalPortForwarding", "localPortNumber": m.localPort(),
	}})
	a.send(message.HandshakeRequestPayloadType, message.HandshakeRequestPayload{
		AgentVersion: "3.3.2299.0", RequestedClientActions: []message.RequestedClientAction{
			{ActionType: message.SessionType, ActionParameters: properties},
		},
	})
	var next int64
	early := map[int64]*message.ClientMessage{}
	for {
		_, raw, err := channel.ReadMessage()
		if err != nil {
			feed.Close()
			return
		}
		in := &message.ClientMessage{}
		if in.DeserializeClientMessage(log.NewMockLog(), raw) != nil || in.MessageType != message.InputStreamMessage {
			continue
		}
		a.acknowledge(in)
		early[in.SequenceNumber] = in
		for ; early[next] != nil; next++ {
			switch message.PayloadType(early[next].PayloadType) {
			case message.HandshakeResponsePayloadType:
				a.send(message.HandshakeCompletePayloadType, message.HandshakeCompletePayload{})
				go m.connect(a)
			case message.Output:
				_, _ = feed.Write(bytes.Clone(early[next].Payload))
			}
			delete(early, next)
		}
	}
}

// localPort returns the local port of the latest session: the agent tells it back to the client.
func (m *manager) localPort() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	parameters := m.started[len(m.started)-1]["Parameters"].(map[string]any)
	return parameters["localPortNumber"].([]any)[0].(string)
}

// connect opens a connection to the API for each stream of a channel.
func (m *manager) connect(a *agent) {
	settings := smux.DefaultConfig()
	settings.KeepAliveDisabled = true
	session, err := smux.Server(a, settings)
	if err != nil {
		return
	}
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			return
		}
		go func() {
			defer stream.Close()
			api, err := net.Dial("tcp", m.api)
			if err != nil {
				return
			}
			defer api.Close()
			go func() { _, _ = io.Copy(api, stream) }()
			_, _ = io.Copy(stream, api)
		}()
	}
}
