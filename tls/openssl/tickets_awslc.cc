// SPDX-License-Identifier: Apache-2.0
// Tickets with AWS-LC, where we seal the whole: name of the key, salt, then AES-256-GCM over the
// library's session, what the engine has to say (TicketState) and the length of that. Each ticket
// has a key of its own, HMAC-SHA-256 of the salt by the ring's `mac`, so that no nonce can repeat
// however many tickets replicas seal with one key. Tickets of a gatehouse with OpenSSL do not open
// here, nor these there: a full handshake.
#include "base/limits.h"
#include "tls/openssl/engine_impl.h"
#include "tls/openssl/library.h"

#include <openssl/aead.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

namespace gh::tls {
namespace {

constexpr std::size_t name_bytes = sizeof(TicketKeys::Key::name);
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t head_bytes = name_bytes + salt_bytes;
constexpr std::size_t length_bytes = 4;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t state_bytes_max = 512 + limits::ticket_leaf_bytes_max;  // of a TicketState
constexpr std::array<std::uint8_t, 12> nonce{};  // a key seals one ticket
// A mode that scripts/build-tls teaches the library: the ticket that was opened is to be replaced
// (TLS 1.2; in 1.3 each is). Elsewhere it means nothing, and tickets just age.
constexpr std::uint32_t mode_renew_ticket = 0x40000000;

class TicketCipher {
 public:
  TicketCipher(const TicketKeys::Key& key, ByteView salt) {
    constexpr std::string_view label = "gatehouse ticket, AES-256-GCM: ";
    std::array<std::uint8_t, label.size() + salt_bytes> input;
    std::copy(salt.begin(), salt.end(), std::copy(label.begin(), label.end(), input.begin()));
    std::array<std::uint8_t, 32> own;
    unsigned size = 0;
    EVP_AEAD_CTX_zero(&context_);
    good_ = HMAC(
                EVP_sha256(),
                key.mac.data(),
                key.mac.size(),
                input.data(),
                input.size(),
                own.data(),
                &size
            ) != nullptr &&
            EVP_AEAD_CTX_init(
                &context_, EVP_aead_aes_256_gcm(), own.data(), own.size(), tag_bytes, nullptr
            ) == 1;
    OPENSSL_cleanse(own.data(), own.size());
  }

  ~TicketCipher() { EVP_AEAD_CTX_cleanup(&context_); }

  TicketCipher(const TicketCipher&) = delete;
  TicketCipher& operator=(const TicketCipher&) = delete;

  // `bytes` in place, the tag behind it.
  bool seal(MutableBytes bytes, std::size_t room, ByteView head) const {
    std::size_t size = 0;
    return good_ && EVP_AEAD_CTX_seal(
                        &context_,
                        bytes.data(),
                        &size,
                        room,
                        nonce.data(),
                        nonce.size(),
                        bytes.data(),
                        bytes.size(),
                        head.data(),
                        head.size()
                    ) == 1;
  }

  bool open(ByteView sealed, MutableBytes into, std::size_t& size, ByteView head) const {
    return good_ && EVP_AEAD_CTX_open(
                        &context_,
                        into.data(),
                        &size,
                        into.size(),
                        nonce.data(),
                        nonce.size(),
                        sealed.data(),
                        sealed.size(),
                        head.data(),
                        head.size()
                    ) == 1;
  }

 private:
  EVP_AEAD_CTX context_;
  bool good_ = false;
};

std::size_t overhead_max(SSL*) { return head_bytes + state_bytes_max + length_bytes + tag_bytes; }

int seal(
    SSL* ssl,
    std::uint8_t* out,
    std::size_t* out_size,
    std::size_t out_max,
    const std::uint8_t* session,
    std::size_t session_size
) {
  OpensslEngine& engine = OpensslEngine::of(ssl);
  const TicketKeys::Key& key = engine.ticket_keys()->current();
  const auto state = engine.ticket_state();
  const std::size_t plain = session_size + state.size() + length_bytes;
  if (out_max < head_bytes + plain + tag_bytes || RAND_bytes(out + name_bytes, salt_bytes) != 1)
    return 0;
  std::uint8_t* at = std::copy(key.name.begin(), key.name.end(), out) + salt_bytes;
  at = std::copy_n(session, session_size, at);
  at = std::copy(state.begin(), state.end(), at);
  for (std::size_t i = 0; i < length_bytes; ++i)
    *at++ = static_cast<std::uint8_t>(state.size() >> (8 * (length_bytes - 1 - i)));
  const TicketCipher cipher(key, {out + name_bytes, salt_bytes});
  if (!cipher.seal({out + head_bytes, plain}, plain + tag_bytes, {out, head_bytes})) return 0;
  *out_size = head_bytes + plain + tag_bytes;
  return 1;
}

ssl_ticket_aead_result_t open(
    SSL* ssl,
    std::uint8_t* out,
    std::size_t* out_size,
    std::size_t out_max,
    const std::uint8_t* in,
    std::size_t in_size
) {
  if (in_size < head_bytes + length_bytes + tag_bytes) return ssl_ticket_aead_ignore_ticket;
  OpensslEngine& engine = OpensslEngine::of(ssl);
  const ByteView head(in, head_bytes);
  bool renew = false;
  const TicketKeys::Key* key = engine.ticket_keys()->find(head.first(name_bytes), renew);
  if (key == nullptr) return ssl_ticket_aead_ignore_ticket;
  const TicketCipher cipher(*key, head.subspan(name_bytes));
  std::size_t plain = 0;
  if (!cipher.open({in + head_bytes, in_size - head_bytes}, {out, out_max}, plain, head)) {
    ERR_clear_error();
    return ssl_ticket_aead_ignore_ticket;
  }
  std::size_t state = 0;
  for (std::size_t i = plain - length_bytes; i < plain; ++i) state = state << 8 | out[i];
  if (state > plain - length_bytes) return ssl_ticket_aead_ignore_ticket;
  *out_size = plain - length_bytes - state;
  bool ageing = false;
  if (!engine.on_ticket_opened({out + *out_size, state}, &ageing))
    return ssl_ticket_aead_ignore_ticket;
  if (renew || ageing) SSL_set_mode(ssl, mode_renew_ticket);
  return ssl_ticket_aead_success;
}

constexpr SSL_TICKET_AEAD_METHOD method = {overhead_max, seal, open};

}  // namespace

void install_ticket_callbacks(SSL_CTX* context, const ServerState& state) {
  if (state.ticket_keys == nullptr) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return;
  }
  const auto lifetime =
      static_cast<std::uint32_t>(std::min(state.tickets.lifetime, state.tickets.lineage_max).count()
      );
  SSL_CTX_set_num_tickets(context, 1);
  // TLS 1.2: from the full handshake on, however often tickets are replaced; how long one is
  // accepted is what it says itself (may_resume). TLS 1.3: from each handshake on.
  SSL_CTX_set_timeout(context, static_cast<std::uint32_t>(state.tickets.lineage_max.count()));
  SSL_CTX_set_session_psk_dhe_timeout(context, lifetime);
  SSL_CTX_set_ticket_aead_method(context, &method);
}

}  // namespace gh::tls
