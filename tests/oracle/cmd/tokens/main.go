// tokens: what the real bearer token authenticators of kube-apiserver make of tokens: token file, service accounts, bootstrap tokens, OIDC;
// and of the files behind them. The clock of service accounts and OIDC is set; bootstrap tokens are judged by the real one, so their
// expirations lie far away.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	goidc "github.com/coreos/go-oidc"
	jose "gopkg.in/go-jose/go-jose.v2"

	v1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/pkg/apis/apiserver/validation"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	authenticationcel "k8s.io/apiserver/pkg/authentication/cel"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/websocket"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	tokenunion "k8s.io/apiserver/pkg/authentication/token/union"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/serviceaccount"
	"k8s.io/kubernetes/plugin/pkg/auth/authenticator/token/bootstrap"

	. "gatehouse/oracle/common"
)

//go:linkname serviceAccountNow k8s.io/kubernetes/pkg/serviceaccount.now
var serviceAccountNow func() time.Time

var clock int64

type User struct {
	Name   string              `json:"name"`
	UID    string              `json:"uid,omitempty"`
	Groups []string            `json:"groups,omitempty"`
	Extra  map[string][]string `json:"extra,omitempty"`
}

type Case struct {
	ID     string `json:"id"`
	Config string `json:"config"`
	Token  string `json:"token"`
	B64    string `json:"b64,omitempty"`
	Now    int64  `json:"now"`
	Result string `json:"result"` // user, none, error
	User   *User  `json:"user,omitempty"`
	Error  string `json:"error,omitempty"`
	// Objects: refused for want of an API object, which only the API server can know.
	Objects bool `json:"objects,omitempty"`
	// Expression: the token was judged, and it is by a CEL expression that gatehouse does not read. Unused while configs avoid those.
}

type Config struct {
	TokenFile       string            `json:"tokenFile,omitempty"`
	Secrets         string            `json:"secrets,omitempty"` // a SecretList
	Keys            []string          `json:"serviceAccountKeys,omitempty"`
	Issuers         []string          `json:"serviceAccountIssuers,omitempty"`
	Audiences       []string          `json:"apiAudiences,omitempty"`
	Authentication  string            `json:"authenticationConfig,omitempty"`
	KeySets         map[string]string `json:"jwks,omitempty"`
	authenticator   authenticator.Token
	missingReported bool
}

type FileCase struct {
	ID    string          `json:"id"`
	Text  string          `json:"text"`
	B64   string          `json:"b64,omitempty"`
	Error string          `json:"error,omitempty"`
	Users map[string]User `json:"users,omitempty"` // token file: by token
	Keys  []string        `json:"keys,omitempty"`  // key file: their kid; key set: kid of the token they verify
	// Unsupported: valid for Kubernetes, refused by gatehouse on purpose.
	Unsupported bool     `json:"unsupported,omitempty"`
	Issuers     []string `json:"serviceAccountIssuers,omitempty"`
}

type HeaderCase struct {
	ID        string   `json:"id"`
	Values    []string `json:"values"`
	B64       []string `json:"b64,omitempty"`
	Token     string   `json:"token,omitempty"`
	TokenB64  string   `json:"tokenB64,omitempty"`
	Result    string   `json:"result"` // token, none, error
	Error     string   `json:"error,omitempty"`
	Protocols string   `json:"protocols,omitempty"`
}

type TimeCase struct {
	Text string `json:"text"`
	Good bool   `json:"good"`
	Unix int64  `json:"unix,omitempty"`
	Nano int    `json:"nano,omitempty"`
}

type JSONCase struct {
	B64    string `json:"b64"`
	Valid  bool   `json:"valid"`
	Issuer string `json:"issuer,omitempty"`
	Error  bool   `json:"error,omitempty"` // the issuer cannot be read
}

type Vectors struct {
	Format     string             `json:"format"`
	Kubernetes string             `json:"kubernetes"`
	Seed       int64              `json:"seed"`
	Configs    map[string]*Config `json:"configs"`
	Cases      []Case             `json:"cases"`
	TokenFiles []FileCase         `json:"tokenFiles"`
	KeyFiles   []FileCase         `json:"keyFiles"`
	KeySets    []FileCase         `json:"keySets"`
	AuthConfig []FileCase         `json:"authenticationConfigs"`
	Bearer     []HeaderCase       `json:"authorizationHeaders"`
	WebSocket  []HeaderCase       `json:"webSocketProtocols"`
	Times      []TimeCase         `json:"times"`
	JSON       []JSONCase         `json:"json"`
}

func main() {
	o := Parse(2000)
	klog.LogToStderr(false)
	klog.SetOutput(new(bytes.Buffer))
	serviceAccountNow = func() time.Time { return time.Unix(clock, 0) }
	r := NewR(o.Seed)
	v := Vectors{Format: "k8s-tokens/1", Kubernetes: KubernetesVersion, Seed: o.Seed, Configs: configs()}
	for name, c := range v.Configs {
		c.authenticator = c.build(name)
	}
	v.Cases = append(curatedCases(), randomCases(r, o.N)...)
	for i := range v.Cases {
		judge(v.Configs, &v.Cases[i])
	}
	v.TokenFiles = tokenFiles(r, o.N/10)
	v.KeyFiles = keyFiles()
	v.KeySets = keySets()
	v.AuthConfig = authenticationConfigs()
	v.Bearer = bearerHeaders(r, o.N/10)
	v.WebSocket = webSocketHeaders(r, o.N/10)
	v.Times = timeCases(r, o.N/10)
	v.JSON = jsonCases(r, o.N/4)
	Write(o, v)
}

// ---- the authenticators ----

type objects struct{}

// By convention an object's uid is "uid-" and its name; names that begin with "gone" do not exist.
func (objects) uid(name string) (types.UID, error) {
	if name == "" || strings.HasPrefix(name, "gone") {
		return "", fmt.Errorf("object %q not found", name)
	}
	return types.UID("uid-" + name), nil
}

func (o objects) GetServiceAccount(_ context.Context, ns, name string) (*v1.ServiceAccount, error) {
	uid, err := o.uid(name)
	// No such object could have been created.
	if len(apivalidation.ValidateNamespaceName(ns, false)) > 0 || len(apivalidation.ValidateServiceAccountName(name, false)) > 0 {
		return nil, fmt.Errorf("object %q not found", name)
	}
	return &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, UID: uid}}, err
}

func (o objects) GetPod(_ context.Context, ns, name string) (*v1.Pod, error) {
	uid, err := o.uid(name)
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, UID: uid}}, err
}

func (o objects) GetSecret(_ context.Context, ns, name string) (*v1.Secret, error) {
	uid, err := o.uid(name)
	return &v1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, UID: uid}}, err
}

func (o objects) GetNode(_ context.Context, name string) (*v1.Node, error) {
	uid, err := o.uid(name)
	return &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: uid}}, err
}

// What go-oidc's remoteKeySet does with the keys it has.
type keySet struct{ keys []jose.JSONWebKey }

func (k keySet) VerifySignature(_ context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSigned(token)
	if err != nil {
		return nil, fmt.Errorf("oidc: malformed jwt: %v", err)
	}
	keyID := ""
	for _, sig := range jws.Signatures {
		keyID = sig.Header.KeyID
		break
	}
	for _, key := range k.keys {
		if keyID == "" || key.KeyID == keyID {
			if payload, err := jws.Verify(&key); err == nil {
				return payload, nil
			}
		}
	}
	return nil, fmt.Errorf("failed to verify id token signature")
}

func writeTemp(text string) string {
	dir, err := os.MkdirTemp("", "tokens")
	Must(err)
	name := filepath.Join(dir, "file")
	Must(os.WriteFile(name, []byte(text), 0o600))
	return name
}

func secretLister(text string) corev1listers.SecretNamespaceLister {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	var list v1.SecretList
	Must(json.Unmarshal([]byte(text), &list))
	for i := range list.Items {
		s := &list.Items[i]
		for k, value := range s.StringData { // as the API server stores it
			if s.Data == nil {
				s.Data = map[string][]byte{}
			}
			s.Data[k] = []byte(value)
		}
		Must(indexer.Add(s))
	}
	return corev1listers.NewSecretLister(indexer).Secrets("kube-system")
}

// The order of pkg/kubeapiserver/authenticator.Config.New.
func (c *Config) build(name string) authenticator.Token {
	var all []authenticator.Token
	if c.TokenFile != "" {
		a, err := tokenfile.NewCSV(writeTemp(c.TokenFile))
		Must(err)
		all = append(all, a)
	}
	audiences := c.Audiences
	if len(audiences) == 0 {
		audiences = c.Issuers
	}
	if len(c.Keys) > 0 {
		var keys []interface{}
		for _, text := range c.Keys {
			k, err := keyutil.ParsePublicKeysPEM([]byte(text))
			Must(err)
			keys = append(keys, k...)
		}
		getter, err := serviceaccount.StaticPublicKeysGetter(keys)
		Must(err)
		legacy, err := serviceaccount.NewLegacyValidator(false, objects{}, nil)
		Must(err)
		all = append(all, serviceaccount.JWTTokenAuthenticator([]string{serviceaccount.LegacyIssuer}, getter, audiences, legacy))
		all = append(all, serviceaccount.JWTTokenAuthenticator(c.Issuers, getter, audiences, serviceaccount.NewValidator(objects{})))
	}
	if c.Secrets != "" {
		all = append(all, bootstrap.NewTokenAuthenticator(secretLister(c.Secrets)))
	}
	if c.Authentication != "" {
		config, err := loadConfig([]byte(c.Authentication), c.Issuers)
		if err != nil {
			panic(name + ": " + err.Error())
		}
		var jwts []authenticator.Token
		for _, jwt := range config.JWT {
			jwts = append(jwts, newOIDC(jwt, c.KeySets[jwt.Issuer.URL], c.Issuers))
		}
		all = append(all, tokenunion.NewFailOnError(jwts...))
	}
	return tokenunion.New(all...)
}

func newOIDC(jwt apiserver.JWTAuthenticator, keys string, disallowed []string) authenticator.Token {
	var set jose.JSONWebKeySet
	Must(json.Unmarshal([]byte(keys), &set))
	jwt.Issuer.DiscoveryURL = ""
	options := oidc.Options{
		JWTAuthenticator: jwt, KeySet: keySet{set.Keys}, SupportedSigningAlgs: oidc.AllValidSigningAlgorithms(), DisallowedIssuers: disallowed,
	}
	now := reflect.ValueOf(&options).Elem().FieldByName("now")
	*(*func() time.Time)(unsafe.Pointer(now.UnsafeAddr())) = func() time.Time { return time.Unix(clock, 0) }
	a, err := oidc.New(context.Background(), options)
	Must(err)
	return a
}

var _ goidc.KeySet = keySet{}

var configScheme = runtime.NewScheme()
var configCodecs = serializer.NewCodecFactory(configScheme, serializer.EnableStrict)

func init() { install.Install(configScheme) }

func loadConfig(data []byte, disallowed []string) (*apiserver.AuthenticationConfiguration, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("empty config data")
	}
	decoded, err := runtime.Decode(configCodecs.UniversalDecoder(), data)
	if err != nil {
		return nil, err
	}
	config, ok := decoded.(*apiserver.AuthenticationConfiguration)
	if !ok {
		return nil, fmt.Errorf("expected AuthenticationConfiguration, got %T", decoded)
	}
	if err := validation.ValidateAuthenticationConfiguration(authenticationcel.NewDefaultCompiler(), config, disallowed).ToAggregate(); err != nil {
		return nil, fmt.Errorf("invalid authentication configuration: %w", err)
	}
	return config, nil
}

func judge(configs map[string]*Config, c *Case) {
	token := c.Token
	if !utf8.ValidString(token) {
		c.B64 = base64.StdEncoding.EncodeToString([]byte(token))
	}
	clock = c.Now
	resp, ok, err := configs[c.Config].authenticator.AuthenticateToken(context.Background(), token)
	switch {
	case err != nil:
		c.Result, c.Error = "error", oneWord(err.Error())
		c.Objects = strings.Contains(c.Error, "not found") || strings.Contains(c.Error, "no namespace") || strings.Contains(c.Error, "has been invalidated") ||
			strings.Contains(c.Error, "does not match claim") || strings.Contains(c.Error, "ref claim")
	case ok:
		c.Result = "user"
		c.User = &User{resp.User.GetName(), resp.User.GetUID(), resp.User.GetGroups(), resp.User.GetExtra()}
	default:
		c.Result = "none"
	}
}

// Which of several faults is told depends on Go's map order; the file is to be the same on each run.
func oneWord(text string) string {
	if at := strings.Index(text, "oidc: malformed jwt"); at >= 0 {
		return text[:at] + "oidc: malformed jwt"
	}
	if strings.HasPrefix(text, "oidc: parse claim ") || strings.HasPrefix(text, "oidc: required claim ") {
		return "oidc: a required claim"
	}
	return text
}

// ---- files ----

func parseTokenFile(c *FileCase) {
	if !utf8.ValidString(c.Text) {
		c.B64 = base64.StdEncoding.EncodeToString([]byte(c.Text))
	}
	path := writeTemp(c.Text)
	a, err := tokenfile.NewCSV(path)
	if err != nil {
		c.Error = strings.ReplaceAll(err.Error(), path, "FILE")
		return
	}
	c.Users = map[string]User{}
	tokens := reflect.ValueOf(a).Elem().FieldByName("tokens")
	for _, key := range tokens.MapKeys() {
		resp, ok, err := a.AuthenticateToken(context.Background(), key.String())
		if err != nil || !ok {
			panic("a token of the file is not known")
		}
		if !utf8.ValidString(key.String() + resp.User.GetName() + resp.User.GetUID() + strings.Join(resp.User.GetGroups(), "")) {
			continue // JSON cannot say it
		}
		c.Users[key.String()] = User{resp.User.GetName(), resp.User.GetUID(), resp.User.GetGroups(), nil}
	}
}

func parseKeyFile(c *FileCase) {
	keys, err := keyutil.ParsePublicKeysPEM([]byte(c.Text))
	if err == nil {
		var getter serviceaccount.PublicKeysGetter
		if getter, err = serviceaccount.StaticPublicKeysGetter(keys); err == nil {
			for _, key := range getter.GetPublicKeys(context.Background(), "") {
				c.Keys = append(c.Keys, key.KeyID)
			}
			return
		}
	}
	c.Error = err.Error()
}

func parseKeySet(c *FileCase) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(c.Text), &set); err != nil {
		c.Error = err.Error()
		return
	}
	for _, key := range set.Keys {
		if key.IsPublic() {
			switch reflect.TypeOf(key.Key).String() {
			case "*rsa.PublicKey", "*ecdsa.PublicKey":
				c.Keys = append(c.Keys, key.KeyID)
			}
		}
	}
}

func parseAuthConfig(c *FileCase) {
	if _, err := loadConfig([]byte(c.Text), c.Issuers); err != nil {
		c.Error = err.Error()
	}
}

// ---- headers ----

type catcher struct{ token *string }

func (c catcher) AuthenticateToken(_ context.Context, token string) (*authenticator.Response, bool, error) {
	*c.token = token
	return &authenticator.Response{}, true, nil
}

func encodeValues(c *HeaderCase) {
	for _, value := range c.Values {
		if !utf8.ValidString(value) {
			for _, each := range c.Values {
				c.B64 = append(c.B64, base64.StdEncoding.EncodeToString([]byte(each)))
			}
			return
		}
	}
}

func judgeHeader(c *HeaderCase, name string, make func(authenticator.Token) authenticator.Request) {
	encodeValues(c)
	token := ""
	request := &http.Request{Header: http.Header{name: append([]string{}, c.Values...)}}
	request = request.WithContext(context.Background())
	if name != "Authorization" {
		request.Header.Set("Upgrade", "websocket")
		request.Header.Set("Connection", "Upgrade")
	}
	_, ok, err := make(catcher{&token}).AuthenticateRequest(request)
	switch {
	case err != nil:
		c.Result, c.Error = "error", err.Error()
	case ok:
		c.Result, c.Token = "token", token
		if !utf8.ValidString(token) {
			c.TokenB64 = base64.StdEncoding.EncodeToString([]byte(token))
		}
		c.Protocols = request.Header.Get("Sec-Websocket-Protocol")
	default:
		c.Result = "none"
	}
}

func judgeBearer(c *HeaderCase) {
	judgeHeader(c, "Authorization", func(t authenticator.Token) authenticator.Request { return bearertoken.New(t) })
}

func judgeWebSocket(c *HeaderCase) {
	judgeHeader(c, "Sec-Websocket-Protocol", func(t authenticator.Token) authenticator.Request { return websocket.NewProtocolAuthenticator(t) })
}

// ---- small things ----

func judgeTime(text string) TimeCase {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return TimeCase{Text: text}
	}
	return TimeCase{text, true, t.Unix(), t.Nanosecond()}
}

func judgeJSON(text string) JSONCase {
	c := JSONCase{B64: base64.StdEncoding.EncodeToString([]byte(text)), Valid: json.Valid([]byte(text))}
	claims := struct {
		Issuer string `json:"iss"`
	}{}
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		c.Error = true
	} else {
		c.Issuer = claims.Issuer
	}
	return c
}

func sorted[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
