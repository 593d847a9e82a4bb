// SPDX-License-Identifier: Apache-2.0
#include "tls/context.h"

#include "base/limits.h"
#include "tls/certificate.h"
#include "tls/library.h"
#include "tls/name_syntax.h"
#include "tls/openssl/errors.h"
#include "tls/openssl/library.h"
#include "tls/openssl/local_key.h"
#include "tls/openssl/public_key.h"
#include "tls/openssl/state.h"
#include "tls/openssl/trust_contents.h"
#include "tls/pem_file.h"
#include "tls/pkcs11/pkcs11_key.h"
#include "tls/pkcs11/pkcs11_uri.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <utility>

namespace gh::tls {
namespace {

// What signatures are made and accepted: no SHA-1, no SHA-224. ECDSA first: it is the cheaper one
// to make.
constexpr const char* signature_algorithms =
    "ECDSA+SHA256:ed25519:RSA-PSS+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:ECDSA+SHA512:RSA-PSS+SHA512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";

auto library_fault(const std::string& what, const std::string& where = {}) {
  const std::string why = take_library_error().text;
  return fault(why.empty() ? what : what + ": " + why, where);
}

int no_password(char*, int, int, void*) { return -1; }

Outcome<KeyHandle> read_private_key(const KeyPair& pair) {
  BioHandle bio(BIO_new_mem_buf(pair.key_pem.data(), static_cast<int>(pair.key_pem.size())));
  ERR_clear_error();
  KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key) return key;
  if (pair.key_pem.find("PRIVATE KEY-----") == std::string::npos) {
    ERR_clear_error();
    return fault("no private key in it (no -----BEGIN PRIVATE KEY-----)", pair.key_where);
  }
  if (pair.key_pem.find("ENCRYPTED") != std::string::npos) {
    ERR_clear_error();
    return fault(
        "the private key in it is encrypted; only unencrypted keys are supported", pair.key_where
    );
  }
  return library_fault("the private key in it cannot be read", pair.key_where);
}

// A key pair as OpenSSL objects, checked.
struct LoadedPair {
  X509Handle leaf;
  std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * stack) {
                    sk_X509_pop_free(stack, X509_free);
                  })>
      chain;
  KeyHandle key;                                  // the public key alone, when it is…
  std::shared_ptr<const PrivateKey> outside_key;  // …not in this process
  std::vector<std::string> names;                 // what SNI chooses it by
  std::string where;
};

Outcome<X509Handle> read_x509(ByteView der, const std::string& where) {
  const unsigned char* at = der.data();
  X509Handle out(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!out) return library_fault("a certificate in it cannot be parsed", where);
  return out;
}

Outcome<void> check_validity(
    const PeerCertificate& own,
    const std::string& where,
    UnixTime now,
    std::vector<std::string>& warnings
) {
  if (now > own.not_after)
    warnings.push_back(where + ": the certificate has expired; peers will refuse it");
  if (now < own.not_before)
    warnings.push_back(where + ": the certificate is not valid yet; peers will refuse it");
  return {};
}

Outcome<LoadedPair> load_pair(
    const KeyPair& pair, UnixTime now, std::vector<std::string>& warnings
) {
  LoadedPair out;
  out.where = pair.chain_where;
  GH_TRY(const auto blocks, certificates_of_pem(pair.chain_pem, pair.chain_where));
  GH_TRY(out.leaf, read_x509(blocks[0], pair.chain_where));
  out.chain.reset(sk_X509_new_null());
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    GH_TRY(auto link, read_x509(blocks[i], pair.chain_where));
    if (sk_X509_push(out.chain.get(), link.get()) == 0)
      return library_fault("out of memory", pair.chain_where);
    link.release();
  }
  out.outside_key = pair.outside_key;
  if (pair.outside_key) {
    out.key = read_public_key(pair.outside_key->public_key_info());
    if (!out.key) return library_fault("its public key cannot be used", pair.key_where);
  } else {
    GH_TRY(out.key, read_private_key(pair));
  }
  if (X509_check_private_key(out.leaf.get(), out.key.get()) != 1) {
    ERR_clear_error();
    return fault(
        "the private key in it does not belong to the certificate in " + pair.chain_where,
        pair.key_where
    );
  }
  if (auto own = parse_peer_certificate(blocks[0])) {
    out.names = own->dns_names;
    if (out.names.empty() && own->has_common_name) out.names.push_back(own->common_name);
    GH_TRY_VOID(check_validity(*own, pair.chain_where, now, warnings));
  } else {
    warnings.push_back(
        pair.chain_where + ": Kubernetes' clients (Go) cannot parse this certificate"
    );
  }
  if (!pair.names.empty()) out.names = pair.names;
  return out;
}

// `wrap`: the key's operations go through crypto_op.h.
Outcome<void> use_pair(SSL_CTX* context, LoadedPair& pair, bool wrap) {
  ERR_clear_error();
  std::shared_ptr<const PrivateKey> key = pair.outside_key;
  if (!key && wrap && can_be_wrapped(pair.key.get())) {
    EVP_PKEY_up_ref(pair.key.get());
    key = std::make_shared<LocalKey>(KeyHandle(pair.key.get()));
  }
  const bool used =
      key ? use_certificate(context, pair.leaf.get(), pair.chain.get(), key)
          : use_certificate(context, pair.leaf.get(), pair.chain.get(), pair.key.get());
  if (used) return {};
  return library_fault("the certificate cannot be used for TLS", pair.where);
}

std::uint16_t number_of(ProtocolVersion version) {
  return version == ProtocolVersion::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

// Settings that server and client share.
Outcome<SslContextHandle> make_context(
    bool server, bool batched, const ProtocolSettings& protocol
) {
  ERR_clear_error();
  SslContextHandle context(new_context(server, batched));
  if (!context) return library_fault("the TLS library cannot be used");
  SSL_CTX* c = context.get();
  if (protocol.version_min > protocol.version_max)
    return fault("the lowest TLS version is above the highest");
  if (SSL_CTX_set_min_proto_version(c, number_of(protocol.version_min)) != 1 ||
      SSL_CTX_set_max_proto_version(c, number_of(protocol.version_max)) != 1) {
    return library_fault("the TLS versions cannot be set");
  }
  set_library_options(c);
  SSL_CTX_set_options(
      c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
  );
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(c, limits::client_chain_bytes_max);
  // "!kRSA:!DHE…" would be said in vain: only AEAD suites with an ephemeral curve are let in,
  // whatever the list holds.
  const std::string suites =
      protocol.ciphers_tls12 + ":!kRSA:!kDHE:!kPSK:!aNULL:!eNULL:!SHA1:!SHA256:!SHA384";
  if (SSL_CTX_set_cipher_list(c, suites.c_str()) != 1)
    return library_fault("no usable TLS 1.2 cipher in \"" + protocol.ciphers_tls12 + "\"");
  if (SSL_CTX_set_ciphersuites(c, protocol.ciphers_tls13.c_str()) != 1)
    return library_fault("no usable TLS 1.3 cipher in \"" + protocol.ciphers_tls13 + "\"");
  const std::string& groups = protocol.groups.empty() ? default_groups() : protocol.groups;
  if (SSL_CTX_set1_groups_list(c, groups.c_str()) != 1)
    return library_fault("an unknown group in \"" + groups + "\"");
  if (SSL_CTX_set1_sigalgs_list(c, signature_algorithms) != 1)
    return library_fault("the signature algorithms cannot be set");
  return context;
}

std::vector<std::uint8_t> wire_of(const std::vector<Alpn>& protocols) {
  std::vector<std::uint8_t> out;
  for (const Alpn protocol : protocols) {
    const std::string_view name = protocol == Alpn::h2         ? "h2"
                                  : protocol == Alpn::http_1_1 ? "http/1.1"
                                                               : "";
    if (name.empty()) continue;
    out.push_back(static_cast<std::uint8_t>(name.size()));
    out.insert(out.end(), name.begin(), name.end());
  }
  return out;
}

Outcome<SslContextHandle> make_server_context(
    const ServerSettings& settings, const ServerState& state, LoadedPair& pair, bool wrap
) {
  GH_TRY(auto context, make_context(true, settings.batch_crypto, settings.protocol));
  SSL_CTX* c = context.get();
  const bool required = settings.mode == ClientCertMode::require;
  set_client_verification(c, settings.mode);
  const std::string_view id =
      required ? "gatehouse require"
               : "gatehouse request";  // sessions of another mode are not resumed
  SSL_CTX_set_session_id_context(
      c, reinterpret_cast<const unsigned char*>(id.data()), static_cast<unsigned>(id.size())
  );
  GH_TRY_VOID(use_pair(c, pair, wrap));
  install_server_callbacks(c, state);
  install_ticket_callbacks(c, state);
  return context;
}

bool any_matches(const std::vector<std::string>& names, std::string_view wanted, bool wildcards) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.starts_with("*.") ? wildcards && host_matches(name, wanted)
                                  : !wildcards && host_matches(name, wanted);
  });
}

}  // namespace

SSL_CTX* ServerState::choose(std::string_view server_name) const {
  if (server_name.empty() || others.empty()) return context.get();
  // The default is for what no other names, as in kube-apiserver.
  for (const bool wildcards : {false, true}) {
    for (const Named& other : others) {
      if (any_matches(other.names, server_name, wildcards)) return other.context.get();
    }
  }
  return context.get();
}

Outcome<KeyPair> load_key_pair(const std::string& chain_file, const std::string& key_file) {
  KeyPair out;
  out.chain_where = chain_file;
  out.key_where = key_file;
  GH_TRY(out.chain_pem, read_pem_file(chain_file));
  if (!is_pkcs11_uri(key_file)) {
    GH_TRY(out.key_pem, read_pem_file(key_file));
    return out;
  }
  out.key_where = without_pin(key_file);
  out.key_pem = key_file;
  GH_TRY(const auto chain, certificates_of_pem(out.chain_pem, chain_file));
  const auto leaf = parse_certificate(chain[0]);
  if (!leaf) return fault("a certificate in it cannot be parsed", chain_file);
  GH_TRY(out.outside_key, open_pkcs11_key(key_file, leaf->public_key_info));
  return out;
}

namespace {

// False: there is a key of this kind already.
bool add_kind(std::vector<int>& kinds, const LoadedPair& pair) {
  const int kind = kind_of(pair.key.get());
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) return false;
  kinds.push_back(kind);
  return true;
}

// The context that already serves these very names with a key of another kind, if there is one.
SSL_CTX* companion_of(const LoadedPair& pair, ServerState& state) {
  if (pair.names == state.names && add_kind(state.kinds, pair)) return state.context.get();
  for (ServerState::Named& other : state.others) {
    if (pair.names == other.names && add_kind(other.kinds, pair)) return other.context.get();
  }
  return nullptr;
}

}  // namespace

namespace {

TrustStore::Epoch session_epoch(const ServerState& state) {
  const TrustStore::Epoch& clients = state.trust->full_epoch();
  if (!state.proxy_trust) return clients;
  const TrustStore::Epoch& proxies = state.proxy_trust->full_epoch();
  std::vector<std::uint8_t> both(clients.begin(), clients.end());
  both.insert(both.end(), proxies.begin(), proxies.end());
  return sha256(both);
}

bool any_outside(const std::vector<KeyPair>& pairs) {
  return std::any_of(pairs.begin(), pairs.end(), [](const KeyPair& pair) {
    return pair.outside_key != nullptr;
  });
}

}  // namespace

Outcome<std::unique_ptr<ServerContext>> ServerContext::make(
    const ServerSettings& settings, UnixTime now
) {
  std::unique_ptr<ServerContext> out(new ServerContext);
  auto state = std::make_shared<ServerState>();
  if (settings.certificates.empty()) return fault("a TLS server needs a certificate");
  state->trust = settings.client_trust ? settings.client_trust : TrustStore::nobody();
  state->proxy_trust = settings.proxy_trust;
  state->session_epoch = session_epoch(*state);
  state->mode = settings.mode;
  const bool wrap = settings.batch_crypto || any_outside(settings.certificates);
  state->asynchronous = wrap || settings.engine_pauses;
  state->tickets = settings.tickets;
  if (settings.tickets.any()) state->ticket_keys = settings.ticket_keys;
  state->alpn = wire_of(settings.alpn);
  out->warnings_ = state->trust->warnings(now);
  for (const KeyPair& files : settings.certificates) {
    GH_TRY(auto pair, load_pair(files, now, out->warnings_));
    if (!state->context) {
      GH_TRY(state->context, make_server_context(settings, *state, pair, wrap));
      state->names = pair.names;
      state->kinds = {kind_of(pair.key.get())};
    } else if (SSL_CTX* companion = companion_of(pair, *state)) {
      GH_TRY_VOID(use_pair(companion, pair, wrap));
    } else {
      ServerState::Named named;
      GH_TRY(named.context, make_server_context(settings, *state, pair, wrap));
      named.names = pair.names;
      named.kinds = {kind_of(pair.key.get())};
      state->others.push_back(std::move(named));
    }
  }
  out->state_ = std::move(state);
  return out;
}

ServerContext::~ServerContext() = default;

Outcome<std::unique_ptr<ClientContext>> ClientContext::make(
    const ClientSettings& settings, UnixTime now
) {
  std::unique_ptr<ClientContext> out(new ClientContext);
  auto state = std::make_shared<ClientState>();
  if (settings.trust == nullptr)
    return fault("a TLS client needs certificate authorities to verify the server with");
  if (settings.server_name.empty())
    return fault("a TLS client needs the name of the server to verify");
  state->trust = settings.trust;
  state->server_name = settings.server_name;
  state->is_ip = parse_ip(settings.server_name).has_value();
  state->resume = settings.resume;
  state->verify = settings.verify;
  const bool wrap =
      settings.batch_crypto || (settings.certificate && settings.certificate->outside_key);
  state->asynchronous = wrap || settings.engine_pauses;
  GH_TRY(state->context, make_context(false, settings.batch_crypto, settings.protocol));
  SSL_CTX* c = state->context.get();
  set_server_verification(c);
  if (settings.resume)
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  if (const auto alpn = wire_of(settings.alpn); !alpn.empty())
    SSL_CTX_set_alpn_protos(c, alpn.data(), static_cast<unsigned>(alpn.size()));
  if (settings.certificate) {
    GH_TRY(auto pair, load_pair(*settings.certificate, now, out->warnings_));
    GH_TRY_VOID(use_pair(c, pair, wrap));
  }
  install_client_callbacks(c);
  for (auto& warning : settings.trust->warnings(now)) out->warnings_.push_back(std::move(warning));
  out->state_ = std::move(state);
  return out;
}

ClientContext::~ClientContext() = default;

bool ClientContext::has_session() const noexcept { return state_->session != nullptr; }

}  // namespace gh::tls
