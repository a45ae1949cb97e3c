package awssim

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"groundwork/internal/awstype"
)

// kmsRequest is the body of an Encrypt or Decrypt request.
type kmsRequest struct {
	KeyID                     string `json:"KeyId"`
	Plaintext, CiphertextBlob []byte
}

// kmsError is AWS's answer to a request that it refuses; the zero value is none.
type kmsError struct{ code, message string }

// kms encrypts and decrypts with a key of the cloud, which an alias may name.
func (a *AccountAPI) kms(w http.ResponseWriter, r *http.Request, operation string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answer, refused := a.kmsAnswer(r, operation)
	if refused != (kmsError{}) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": refused.code, "message": refused.message})
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (a *AccountAPI) kmsAnswer(r *http.Request, operation string) (map[string]any, kmsError) {
	var in kmsRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, kmsError{"SerializationException", err.Error()}
	}
	switch operation {
	case "Encrypt":
		return a.encrypt(in)
	case "Decrypt":
		return a.decrypt(in)
	}
	return nil, kmsError{
		"UnsupportedOperationException", "the sandbox answers Encrypt and Decrypt only, not " + operation,
	}
}

// encrypt returns a ciphertext that begins with the ID of its key, as decrypt expects it.
func (a *AccountAPI) encrypt(in kmsRequest) (map[string]any, kmsError) {
	key := a.key(in.KeyID)
	if key == "" {
		return nil, kmsError{"NotFoundException", in.KeyID + " is not found."}
	}
	box := sealer(key)
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce)
	sealed := append([]byte(key+"|"+string(nonce)), box.Seal(nil, nonce, in.Plaintext, nil)...)
	return map[string]any{"KeyId": key, "CiphertextBlob": sealed}, kmsError{}
}

// decrypt takes the key from the ciphertext, as KMS does.
func (a *AccountAPI) decrypt(in kmsRequest) (map[string]any, kmsError) {
	key, sealed, ok := strings.Cut(string(in.CiphertextBlob), "|")
	if !ok || a.key(key) == "" {
		return nil, kmsError{"NotFoundException", "the key is not found."}
	}
	plain, err := openBox(sealer(key), []byte(sealed))
	if err != nil {
		return nil, kmsError{"InvalidCiphertextException", ""}
	}
	return map[string]any{"KeyId": key, "Plaintext": plain}, kmsError{}
}

// key returns the ID of the key that an alias or an ID names, or "".
func (a *AccountAPI) key(name string) string {
	a.cloud.mu.Lock()
	defer a.cloud.mu.Unlock()
	if alias := a.cloud.find(Ref{Type: awstype.KeyAlias, By: "name", AnyRegion: true}, name); alias != nil {
		name = alias.State.Str("targetKeyId")
	}
	if key := a.cloud.find(Ref{Type: awstype.Key, By: "keyId", AnyRegion: true}, name); key != nil {
		return key.ID
	}
	return ""
}

// sealer derives a cipher from the ID of a key, which stands for the key material.
func sealer(key string) cipher.AEAD {
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // A key of 32 bytes is always valid.
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES always has the block size that GCM needs.
	}
	return box
}

func openBox(box cipher.AEAD, sealed []byte) ([]byte, error) {
	if len(sealed) < box.NonceSize() {
		return nil, errors.New("too short")
	}
	return box.Open(nil, sealed[:box.NonceSize()], sealed[box.NonceSize():], nil)
}
