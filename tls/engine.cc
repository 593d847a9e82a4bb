// SPDX-License-Identifier: Apache-2.0
#include "tls/engine.h"

#include "base/assert.h"
#include "base/limits.h"
#include "tls/certificate.h"
#include "tls/identity_cache.h"
#include "tls/openssl/engine_impl.h"
#include "tls/openssl/errors.h"
#include "tls/openssl/library.h"
#include "tls/openssl/path_verifier.h"
#include "tls/openssl/queue_bio.h"
#include "tls/openssl/trust_contents.h"

#include <openssl/err.h>

#include <algorithm>
#include <utility>

namespace gh::tls {

std::unique_ptr<Engine> Engine::make_server(
    ServerContext& context, ByteQueue& out, IdentityCache* known, const AsyncCrypto& crypto
) {
  auto engine = std::make_unique<OpensslEngine>(context.state(), nullptr, out, known, crypto);
  return engine->start(context.state()->context.get()) ? std::move(engine) : nullptr;
}

std::unique_ptr<Engine> Engine::make_client(
    ClientContext& context, ByteQueue& out, const AsyncCrypto& crypto
) {
  auto engine = std::make_unique<OpensslEngine>(nullptr, context.state(), out, nullptr, crypto);
  return engine->start(context.state()->context.get()) ? std::move(engine) : nullptr;
}

OpensslEngine::OpensslEngine(
    std::shared_ptr<const ServerState> server,
    std::shared_ptr<ClientState> client,
    ByteQueue& out,
    IdentityCache* known,
    const AsyncCrypto& crypto
)
    : server_(std::move(server)),
      client_(std::move(client)),
      out_(out),
      pending_(out.pool()),
      known_(known) {
  const bool asynchronous = server_ ? server_->asynchronous : client_->asynchronous;
  if (asynchronous && crypto.queue != nullptr) async_ = AsyncHandshake::make(crypto);
}

OpensslEngine::~OpensslEngine() {
  // A connection that ended without close_notify does not spoil its session (TLS 1.2 and later);
  // the library would think so.
  if (established_ && error_ == TlsError::none) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  if (!waiting_) return;
  BIO_set_data(SSL_get_rbio(ssl_.get()), nullptr);  // nothing is read or sent any more
  SSL_set_app_data(ssl_.get(), nullptr);
  std::shared_ptr<const void> keep = server_;
  if (!server_) keep = client_;
  AsyncHandshake::abandon(std::move(async_), std::move(ssl_), std::move(keep));
}

bool OpensslEngine::start(SSL_CTX* context) {
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  BIO* bio = ssl_ ? make_queue_bio(*this) : nullptr;
  if (bio == nullptr || SSL_set_app_data(ssl_.get(), this) != 1) {
    BIO_free(bio);
    return false;
  }
  SSL_set_bio(ssl_.get(), bio, bio);
  prepare_connection(ssl_.get());
  if (server_) {
    SSL_set_accept_state(ssl_.get());
    return true;
  }
  SSL_set_connect_state(ssl_.get());
  if (!client_->is_ip && SSL_set_tlsext_host_name(ssl_.get(), client_->server_name.c_str()) != 1)
    return false;
  if (SessionHandle session = std::move(client_->session))
    SSL_set_session(ssl_.get(), session.get());
  return handshake().has_value();  // the ClientHello
}

OpensslEngine& OpensslEngine::of(const SSL* ssl) {
  return *static_cast<OpensslEngine*>(SSL_get_app_data(ssl));
}

// ---- bytes in ----

std::size_t OpensslEngine::take_ciphertext(MutableBytes into) {
  std::size_t taken = 0;
  while (taken < into.size()) {
    ByteView from = pending_.empty() ? borrowed_ : pending_.front();
    if (from.empty()) break;
    from = from.first(std::min(from.size(), into.size() - taken));
    std::copy(from.begin(), from.end(), into.begin() + static_cast<std::ptrdiff_t>(taken));
    taken += from.size();
    if (pending_.empty()) {
      borrowed_ = borrowed_.subspan(from.size());
    } else {
      pending_.pop(from.size());
    }
  }
  return taken;
}

namespace {

constexpr std::uint8_t record_change_cipher_spec = 20;
constexpr std::uint8_t record_application_data = 23;

// As Go's HTTP server answers whom it takes for an HTTP client on a TLS port; an API server says
// the same.
constexpr std::string_view http_answer =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

bool looks_like_http(std::string_view first) {
  for (const std::string_view method : {"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"}) {
    if (first == method) return true;
  }
  return false;
}

}  // namespace

Result<void, TlsError> OpensslEngine::check_first_bytes(ByteView bytes) {
  const std::size_t more = std::min(bytes.size(), first_.size() - first_size_);
  std::copy_n(bytes.begin(), more, first_.begin() + first_size_);
  first_size_ = static_cast<std::uint8_t>(first_size_ + more);
  if (first_[0] >= record_change_cipher_spec && first_[0] <= record_application_data) {
    if (first_size_ < 2 || first_[1] == 3) return {};
  } else if (first_size_ < first_.size() && first_[0] >= 'A' && first_[0] <= 'Z') {
    return {};  // perhaps HTTP: five letters will tell
  }
  if (server_ && looks_like_http(as_text(ByteView(first_).first(first_size_)))) {
    out_.append(as_bytes(http_answer));
    return fail(set_error(TlsError::not_tls, "the client speaks plain HTTP"));
  }
  return fail(set_error(TlsError::not_tls));
}

Result<void, TlsError> OpensslEngine::on_ciphertext(ByteView bytes, UnixTime now) {
  if (error_ != TlsError::none) return fail(error_);
  if (bytes.empty() || eof_) return {};
  now_ = now;
  if (first_size_ < first_.size()) {
    GH_TRY_VOID(check_first_bytes(bytes));
    if (first_[0] < record_change_cipher_spec || first_[0] > record_application_data) {
      return {};  // undecided; these bytes are needed no more
    }
  }
  if (established_ || waiting_) {
    pending_.append(bytes);
    return {};
  }
  borrowed_ = bytes;
  auto result = handshake();
  if (result) pending_.append(borrowed_);
  borrowed_ = {};
  return result;
}

Result<void, TlsError> OpensslEngine::resume(UnixTime now) {
  if (!waiting_ || !async_->may_go_on()) return {};
  now_ = now;
  return handshake();
}

Result<void, TlsError> OpensslEngine::handshake() {
  ERR_clear_error();
  int done = 0;
  if (!async_) {
    done = SSL_do_handshake(ssl_.get());
  } else {
    waiting_ = !async_->run(ssl_.get(), done);
    if (waiting_) return {};
  }
  if (done == 1) {
    finish_handshake();
    if (client_ && resumed_ && now_ >= client_->session_not_after) {
      return fail(set_error(TlsError::expired, "of the session that was resumed"));
    }
    return {};
  }
  if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) return {};
  return fail(library_failure());
}

void OpensslEngine::finish_handshake() {
  established_ = true;
  async_.reset();
  SSL_set_msg_callback(
      ssl_.get(), nullptr
  );  // it saw the Certificate message; records need it no more
  version_ = SSL_version(ssl_.get()) == TLS1_3_VERSION ? ProtocolVersion::tls_1_3
                                                       : ProtocolVersion::tls_1_2;
  resumed_ = SSL_session_reused(ssl_.get()) == 1;
  if (server_ && resumed_ && restored_) {
    peer_ = std::move(restored_->peer);
    chain_ = std::move(restored_->chain);
    trust_epoch_ = peer_ ? trust().epoch() : 0;
  }
  restored_.reset();
  if (!resumed_) remember();
  if (server_) {
    send_ticket_now(ssl_.get());
    drop_handshake(ssl_.get());
  }
  // TLS 1.2: the library tells nothing of a ticket that a resumption brought.
  if (client_ && client_->resume && version_ == ProtocolVersion::tls_1_2) {
    SessionHandle session(SSL_get1_session(ssl_.get()));
    if (keep_session(session.get())) static_cast<void>(session.release());
  }
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  const std::string_view protocol(reinterpret_cast<const char*>(name), size);
  alpn_ = protocol == "h2" ? Alpn::h2 : protocol == "http/1.1" ? Alpn::http_1_1 : Alpn::none;
}

Result<std::size_t, TlsError> OpensslEngine::read(MutableBytes into) {
  if (error_ != TlsError::none) return fail(error_);
  if (!established_ || eof_) return std::size_t{0};
  std::size_t total = 0;
  // To ask the library when there is nothing to decrypt costs a third of a record's decryption.
  while (total < into.size() && (!pending_.empty() || SSL_has_pending(ssl_.get()) == 1)) {
    std::size_t some = 0;
    forget_errors();
    if (SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &some) == 1) {
      total += some;
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), 0);
    if (why == SSL_ERROR_WANT_READ) break;
    if (why == SSL_ERROR_ZERO_RETURN) {
      eof_ = true;
      pending_.clear();
      break;
    }
    const TlsError error = library_failure();
    if (total == 0) return fail(error);  // else with the next call
    break;
  }
  return total;
}

Result<void, TlsError> OpensslEngine::write(ByteView bytes) {
  GH_ASSERT(established_);
  if (error_ != TlsError::none) return fail(error_);
  if (bytes.empty()) return {};
  std::size_t written = 0;
  forget_errors();
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1) return {};
  return fail(library_failure());
}

void OpensslEngine::close_notify() {
  if (!established_ || closing_ || error_ != TlsError::none) return;
  closing_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::string_view OpensslEngine::cipher() const noexcept {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get());
  return cipher == nullptr ? std::string_view{} : SSL_CIPHER_get_name(cipher);
}

// ---- errors ----

TlsError OpensslEngine::set_error(TlsError error, std::string text) {
  error_ = error;
  error_text_ = std::move(text);
  pending_.clear();
  std::vector<std::uint8_t>().swap(presented_);  // `= {}` would keep the memory
  return error;
}

TlsError OpensslEngine::library_failure() {
  LibraryError library = take_library_error();
  if (verify_error_ != TlsError::none)
    return set_error(verify_error_, std::move(error_text_));  // we made it fail, and know why
  alert_ = library.alert;
  if (library.error == TlsError::protocol && at_certificate_message(ssl_.get())) {
    // A Certificate message that was refused for its size, or that is no list of certificates.
    library.error = library.too_large ? TlsError::chain_too_long : TlsError::unparsable_certificate;
  }
  return set_error(library.error, std::move(library.text));
}

std::string OpensslEngine::error_text() const {
  std::string out(sentence_of(error_ == TlsError::none ? peer_error_ : error_));
  if (error_ == TlsError::peer_alert) out += std::string(": ") + SSL_alert_desc_string_long(alert_);
  if (!error_text_.empty()) out += " (" + error_text_ + ")";
  return out;
}

// ---- the peer's certificate ----

void OpensslEngine::on_certificate_message(ByteView body) {
  presented_.assign(body.begin(), body.end());
}

namespace {

bool take_vector(ByteView& from, std::size_t length_bytes, ByteView& out) {
  if (from.size() < length_bytes) return false;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8 | from[i];
  from = from.subspan(length_bytes);
  if (from.size() < length) return false;
  out = from.first(length);
  from = from.subspan(length);
  return true;
}

}  // namespace

// RFC 5246 §7.4.2 and RFC 8446 §4.4.2. Our own reading of the message gives the very bytes that
// were presented, which the library's X509 does not: it normalises what surrounds the signed part.
bool OpensslEngine::read_presented(std::vector<ByteView>& chain) const {
  const bool tls_1_3 = SSL_version(ssl_.get()) == TLS1_3_VERSION;
  ByteView rest(presented_), list, context, certificate, extensions;
  if (tls_1_3 && !take_vector(rest, 1, context)) return false;
  if (!take_vector(rest, 3, list)) return false;
  while (!list.empty()) {
    if (!take_vector(list, 3, certificate)) return false;
    if (tls_1_3 && !take_vector(list, 2, extensions)) return false;
    chain.push_back(certificate);
  }
  return true;
}

const TrustStore& OpensslEngine::trust() const {
  return server_ ? *server_->trust : *client_->trust;
}

VerifyRequest OpensslEngine::request() const {
  VerifyRequest out;
  out.purpose = server_ ? Purpose::client : Purpose::server;
  out.now = now_;
  out.now_is_cut = true;
  if (client_) out.name = client_->server_name;
  return out;
}

bool OpensslEngine::judge(std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys) {
  std::string why;
  const VerifyRequest asked = request();
  PathVerifier verifier(trust(), asked, &why);
  auto verified = verifier.run(chain, keys);
  trust_epoch_ = trust().epoch();
  lasting_ = verified || !verifier.depends_on_time();
  if (verified) {
    peer_ = std::make_shared<const PeerCertificate>(std::move(*verified));
    return true;
  }
  peer_error_ = verified.error();
  error_text_ = std::move(why);
  if (auto names = parse_peer_certificate(chain[0])) {
    names->chain_fingerprint = chain_fingerprint(chain);
    peer_ = std::make_shared<const PeerCertificate>(std::move(*names));
  }
  return false;
}

// A front proxy's certificate may come from an authority of its own. Its sessions are not resumed:
// a ticket keeps no proof of that.
void OpensslEngine::judge_front_proxy(
    std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys
) {
  const VerifyRequest asked = request();
  PathVerifier verifier(*server_->proxy_trust, asked, nullptr);
  auto verified = verifier.run(chain, keys);
  lasting_ = lasting_ && (verified || !verifier.depends_on_time());
  if (verified) front_proxy_ = std::make_shared<const PeerCertificate>(std::move(*verified));
}

// ---- chains that are known ----

bool OpensslEngine::recall(const Fingerprint& chain) {
  const Judgement* found =
      known_ == nullptr ? nullptr : known_->find(chain, server_->session_epoch, now_);
  if (found == nullptr) return false;
  peer_ = found->peer;
  front_proxy_ = found->front_proxy;
  chain_ = found->chain;
  peer_error_ = found->client_error;
  error_text_ = found->why;
  trust_epoch_ = trust().epoch();
  return true;
}

// Once the handshake has ended, so that the client has proved that the chain is its own.
void OpensslEngine::remember() {
  const bool proved = peer_ && (peer_error_ == TlsError::none || front_proxy_);
  if (known_ == nullptr || !lasting_ || !proved) return;
  known_->put(
      peer_->chain_fingerprint,
      server_->session_epoch,
      {peer_, front_proxy_, chain_, peer_error_, error_text_}
  );
}

namespace {

// What the handshake goes no further for, in any mode.
bool is_readable(TlsError refused) {
  return refused != TlsError::unparsable_certificate && refused != TlsError::internal &&
         refused != TlsError::chain_too_long;
}

}  // namespace

TlsError OpensslEngine::judge_presented(
    std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys
) {
  if (chain.empty() || (!keys.empty() && chain.size() != keys.size())) return TlsError::internal;
  if (!server_) return judge(chain, keys) ? TlsError::none : peer_error_;
  chain_ = std::make_shared<const std::vector<std::uint8_t>>(pack_chain(chain));
  if (recall(sha256(*chain_))) return peer_error_;
  const TlsError refused = judge(chain, keys) ? TlsError::none : peer_error_;
  if (is_readable(refused) && server_->proxy_trust) judge_front_proxy(chain, keys);
  return refused;
}

TlsError OpensslEngine::on_peer_chain_parsed(std::span<EVP_PKEY* const> keys) {
  std::vector<ByteView> chain;
  if (!read_presented(chain)) chain.clear();
  const TlsError refused = on_peer_chain(chain, keys);
  std::vector<std::uint8_t>().swap(presented_);  // `= {}` would keep the memory
  return refused;
}

namespace {

// P-224 in a SubjectPublicKeyInfo. OpenSSL takes keys of listed groups only, AWS-LC any of TLS 1.2.
bool has_weak_curve(ByteView certificate) {
  static constexpr std::uint8_t info[] = {
      0x30,
      0x10,
      0x06,
      0x07,
      0x2a,
      0x86,
      0x48,
      0xce,
      0x3d,
      0x02,
      0x01,
      0x06,
      0x05,
      0x2b,
      0x81,
      0x04,
      0x00,
      0x21
  };
  return std::search(certificate.begin(), certificate.end(), std::begin(info), std::end(info)) !=
         certificate.end();
}

}  // namespace

TlsError OpensslEngine::on_peer_chain(
    std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys
) {
  if (!chain.empty() && has_weak_curve(chain[0])) {
    error_text_ = "a key on the curve P-224 cannot be used in TLS";
    return verify_error_ = TlsError::certificate_other;
  }
  if (client_ && !client_->verify) return TlsError::none;
  const TlsError refused = judge_presented(chain, keys);
  presented_count_ = static_cast<std::uint32_t>(chain.size());
  lineage_start_ = now_;
  // In request mode a refused certificate is for the authenticators to see; one that Go would not
  // parse ends the handshake, as there.
  const bool tolerated =
      is_readable(refused) && server_ && (server_->mode == ClientCertMode::request || front_proxy_);
  if (refused == TlsError::none || tolerated) {
    if (server_ && (refused != TlsError::none || front_proxy_)) send_no_ticket(ssl_.get());
    return TlsError::none;
  }
  verify_error_ = refused;
  return refused;
}

Result<PeerCertificate, TlsError> OpensslEngine::verify_client_again(
    const TrustStore& trust_now, UnixTime now
) const {
  if (!established_ || !chain_ || chain_->empty()) return fail(TlsError::no_certificate);
  VerifyRequest asked = request();
  asked.now = now;
  return trust_now.verify(unpack_chain(*chain_), asked);
}

// ---- SNI ----

namespace {

// The host_name of a server_name extension (RFC 6066 §3); empty when there is none or it is
// malformed (the library says so later).
std::string_view sni_of(ByteView extension) {
  ByteView list, name;
  if (!take_vector(extension, 2, list) || list.empty() || list[0] != 0) return {};
  list = list.subspan(1);
  return take_vector(list, 2, name) && name.size() <= 255 ? as_text(name) : std::string_view{};
}

}  // namespace

int OpensslEngine::on_client_hello() {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  lineage_start_ = now_;
  if (SSL_client_hello_get0_ext(ssl_.get(), TLSEXT_TYPE_server_name, &data, &size) != 1)
    return SSL_CLIENT_HELLO_SUCCESS;
  server_name_ = sni_of({data, size});
  SSL_CTX* chosen = server_->choose(server_name_);
  if (chosen == SSL_get_SSL_CTX(ssl_.get())) return SSL_CLIENT_HELLO_SUCCESS;
  return SSL_set_SSL_CTX(ssl_.get(), chosen) != nullptr ? SSL_CLIENT_HELLO_SUCCESS
                                                        : SSL_CLIENT_HELLO_ERROR;
}

// ---- tickets ----

std::vector<std::uint8_t> OpensslEngine::ticket_state() const {
  // In TLS 1.2 the ticket comes before the handshake ends, so what was restored may not have been
  // moved yet.
  const bool resumption = SSL_session_reused(ssl_.get()) == 1 && restored_.has_value();
  const PeerCertificate* peer = resumption ? restored_->peer.get() : peer_.get();
  const auto& chain = resumption ? restored_->chain : chain_;
  const ByteView leaf = peer != nullptr && chain ? unpack_chain(*chain)[0] : ByteView{};
  if (peer_error_ != TlsError::none || front_proxy_ || leaf.size() > limits::ticket_leaf_bytes_max)
    return {};
  TicketState state;
  state.mode = server_->mode;
  state.has_certificate = peer != nullptr;
  state.presented = resumption ? restored_->presented : presented_count_;
  state.trust_epoch = server_->session_epoch;
  if (peer != nullptr) {
    state.chain_fingerprint = peer->chain_fingerprint;
    state.not_before = peer->path_not_before;
    state.not_after = peer->not_after;
    state.leaf = leaf;
  }
  state.lineage_start = resumption ? restored_->lineage_start : lineage_start_;
  state.issued = now_;
  state.server_name = server_name_;
  return state.encode();
}

bool OpensslEngine::on_ticket_opened(ByteView bytes, bool* ageing) {
  restored_.reset();
  const auto ticket = TicketState::decode(bytes);
  if (!ticket) return false;
  const TicketVerdict verdict = may_resume(
      *ticket, server_->mode, server_->session_epoch, server_name_, now_, server_->tickets
  );
  if (verdict == TicketVerdict::refuse) return false;
  // Whether it is a front proxy is only asked in full handshakes.
  if (verdict == TicketVerdict::verify_again && server_->proxy_trust) return false;
  if (!restore(*ticket, verdict == TicketVerdict::verify_again)) return false;
  if (ageing != nullptr)
    *ageing = now_.seconds - ticket->issued.seconds > server_->tickets.lifetime.count() / 2;
  return true;
}

// The certificate and what was proved about it come back from the ticket, or, shared with other
// connections of this client, from the cache. Intermediates are not in the ticket, so a chain that
// needed some is not verified again: full handshake.
bool OpensslEngine::restore(const TicketState& ticket, bool verify_again) {
  Restored restored;
  restored.lineage_start = ticket.lineage_start;
  restored.presented = ticket.presented;
  if (!ticket.has_certificate) {
    restored_ = std::move(restored);
    return true;
  }
  const Judgement* found =
      known_ == nullptr ? nullptr
                        : known_->peek(ticket.chain_fingerprint, server_->session_epoch, now_);
  if (found != nullptr) {
    if (found->client_error != TlsError::none || found->front_proxy) return false;
    restored.peer = found->peer;
    restored.chain = found->chain;
    restored_ = std::move(restored);
    return true;
  }
  const ByteView leaf = ticket.leaf;
  auto peer = std::make_shared<PeerCertificate>();
  if (verify_again) {
    if (ticket.presented != 1) return false;
    auto verified = trust().verify(std::span(&leaf, 1), request());
    if (!verified) return false;
    *peer = std::move(*verified);
  } else {
    if (!parse_certificate(leaf, peer.get())) return false;
    peer->fingerprint = sha256(leaf);
    peer->path_not_before = ticket.not_before;
    peer->not_after = ticket.not_after;
  }
  peer->chain_fingerprint = ticket.chain_fingerprint;
  restored.peer = std::move(peer);
  restored.chain =
      std::make_shared<const std::vector<std::uint8_t>>(pack_chain(std::span(&leaf, 1)));
  restored_ = std::move(restored);
  return true;
}

bool OpensslEngine::keep_session(SSL_SESSION* session) {
  if (!client_ || !client_->resume || SSL_SESSION_has_ticket(session) != 1) return false;
  client_->session.reset(session);
  if (peer_) client_->session_not_after = peer_->not_after;
  return true;
}

// ---- callbacks of the library ----

namespace {

int on_client_hello(SSL* ssl, int*, void*) { return OpensslEngine::of(ssl).on_client_hello(); }

int on_alpn(
    SSL*,
    const unsigned char** chosen,
    unsigned char* chosen_size,
    const unsigned char* offered,
    unsigned offered_size,
    void* state
) {
  const auto& ours = static_cast<const ServerState*>(state)->alpn;
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(
          &found,
          chosen_size,
          ours.data(),
          static_cast<unsigned>(ours.size()),
          offered,
          offered_size
      ) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol (RFC 7301 §3.2)
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  return OpensslEngine::of(ssl).keep_session(session) ? 1 : 0;
}

}  // namespace

void install_server_callbacks(SSL_CTX* context, const ServerState& state) {
  install_certificate_callbacks(context);
  SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
  if (!state.alpn.empty())
    SSL_CTX_set_alpn_select_cb(context, on_alpn, const_cast<ServerState*>(&state));
}

void install_client_callbacks(SSL_CTX* context) {
  install_certificate_callbacks(context);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
}

}  // namespace gh::tls
