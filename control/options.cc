// SPDX-License-Identifier: Apache-2.0
#include "control/options.h"

#include "control/certificate_rules.h"
#include "control/cipher_suites.h"
#include "control/dpdk_ports.h"
#include "control/go_duration.h"
#include "control/suggest.h"
#include "tls/library.h"
#include "tls/pkcs11/pkcs11_uri.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

namespace gh::control {
namespace {

using Taken = Result<void, std::string>;
using Shown = std::vector<std::string>;

template <class E>
struct Choice {
  std::string_view word;
  E value;
};

template <class E, std::size_t N>
using Choices = std::array<Choice<E>, N>;

constexpr Choices<RoadChoice, 4> roads = {
    {{"auto", RoadChoice::automatic},
     {"uring", RoadChoice::uring},
     {"epoll", RoadChoice::epoll},
     {"dpdk", RoadChoice::dpdk}}
};
constexpr Choices<ClientCertMode, 2> client_cert_modes = {
    {{"require", ClientCertMode::require}, {"request", ClientCertMode::request}}
};
constexpr Choices<CryptoBatching, 3> crypto_batchings = {
    {{"auto", CryptoBatching::automatic}, {"on", CryptoBatching::on}, {"off", CryptoBatching::off}}
};
constexpr Choices<MinVersion, 2> min_versions = {
    {{"VersionTLS12", MinVersion::tls_1_2}, {"VersionTLS13", MinVersion::tls_1_3}}
};
constexpr Choices<Authorizer, 3> authorizers = {
    {{"Node", Authorizer::node},
     {"RBAC", Authorizer::rbac},
     {"AlwaysAllow", Authorizer::always_allow}}
};
constexpr Choices<LogFormat, 2> log_formats = {
    {{"text", LogFormat::text}, {"json", LogFormat::json}}
};
constexpr Choices<bool, 2> booleans = {{{"true", true}, {"false", false}}};

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

template <auto& Table>
Taken pick(auto& into, std::string_view word) {
  std::array<std::string_view, Table.size()> words;
  std::string expected;
  for (std::size_t i = 0; i < Table.size(); ++i) {
    if (Table[i].word == word) {
      into = Table[i].value;
      return {};
    }
    words[i] = Table[i].word;
    expected += (i == 0 ? "" : i + 1 == Table.size() ? " or " : ", ") + std::string(words[i]);
  }
  return fail("expected " + expected + ", found " + in_quotes(word) + did_you_mean(word, words));
}

template <auto Member, auto& Table>
Taken take_choice(Config& config, std::string_view word, const std::string&) {
  return pick<Table>(config.*Member, word);
}

template <auto Member, auto& Table>
Shown show_choice(const Config& config) {
  for (const auto& choice : Table) {
    if (choice.value == config.*Member) return {std::string(choice.word)};
  }
  return {};
}

// ---- texts and paths ----

std::string from_folder(std::string_view path, const std::string& folder) {
  const std::filesystem::path given(path);
  if (folder.empty() || given.is_absolute()) return given.string();
  return (std::filesystem::path(folder) / given).lexically_normal().string();
}

Taken check_path(std::string_view path) {
  if (path.empty()) return fail(std::string("expected a path, found nothing"));
  if (path.find('\0') != path.npos) return fail(std::string("a path cannot hold a NUL byte"));
  return {};
}

template <auto Member>
Taken take_path(Config& config, std::string_view value, const std::string& folder) {
  GH_TRY_VOID(check_path(value));
  config.*Member = from_folder(value, folder);
  return {};
}

template <auto Member>
Taken take_word(Config& config, std::string_view value, const std::string&) {
  if (value.empty() || value.find('\0') != value.npos)
    return fail(std::string("expected a name, found nothing"));
  config.*Member = value;
  return {};
}

// A private key: its file, or its name in a token.
std::string key_from_folder(std::string_view key, const std::string& folder) {
  return tls::is_pkcs11_uri(key) ? std::string(key) : from_folder(key, folder);
}

template <auto Member>
Taken take_key(Config& config, std::string_view value, const std::string& folder) {
  GH_TRY_VOID(check_path(value));
  if (tls::is_pkcs11_uri(value)) {
    if (const auto uri = tls::parse_pkcs11_uri(value); !uri) return fail(uri.error().text);
  }
  config.*Member = key_from_folder(value, folder);
  return {};
}

template <auto Member>
Shown show_key(const Config& config) {
  return (config.*Member).empty() ? Shown{} : Shown{tls::without_pin(config.*Member)};
}

template <auto Member>
Taken add_path(Config& config, std::string_view value, const std::string& folder) {
  GH_TRY_VOID(check_path(value));
  (config.*Member).push_back(from_folder(value, folder));
  return {};
}

template <auto Member>
Shown show_text(const Config& config) {
  return (config.*Member).empty() ? Shown{} : Shown{config.*Member};
}

template <auto Member>
Shown show_texts(const Config& config) {
  return config.*Member;
}

template <auto Member>
void clear_list(Config& config) {
  (config.*Member).clear();
}

Taken take_access_log(Config& config, std::string_view value, const std::string& folder) {
  GH_TRY_VOID(check_path(value));
  config.access_log = value == "-" ? "-" : from_folder(value, folder);
  return {};
}

// ---- numbers ----

template <auto Member, std::uint32_t Min, std::uint32_t Max>
Taken take_number(Config& config, std::string_view value, const std::string&) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < Min || number > Max) {
    return fail(
        "expected a whole number from " + std::to_string(Min) + " to " + std::to_string(Max) +
        ", found " + in_quotes(value)
    );
  }
  config.*Member = number;
  return {};
}

template <auto Member>
Shown show_number(const Config& config) {
  return {std::to_string(config.*Member)};
}

Shown show_workers(const Config& config) {
  return config.workers == 0 ? Shown{} : Shown{std::to_string(config.workers)};
}

constexpr Duration timeout_max = std::chrono::hours(24);

template <auto Member, std::int64_t MinNs>
Taken take_duration(Config& config, std::string_view value, const std::string&) {
  const auto duration = parse_duration(value);
  if (!duration) {
    return fail(
        "expected a duration such as \"30s\", \"1m30s\" or \"500ms\", found " + in_quotes(value)
    );
  }
  if (duration->count() < MinNs || *duration > timeout_max) {
    return fail(
        "expected a duration from " + format_duration(Duration(MinNs)) + " to " +
        format_duration(timeout_max) + ", found " + in_quotes(value)
    );
  }
  config.*Member = *duration;
  return {};
}

template <auto Member>
Shown show_duration(const Config& config) {
  return {format_duration(config.*Member)};
}

// Whole seconds, since certificates and tickets know no shorter time.
template <auto Member, std::int64_t Min, std::int64_t Max>
Taken take_seconds(Config& config, std::string_view value, const std::string&) {
  const auto duration = parse_duration(value);
  const std::chrono::seconds low(Min), high(Max);
  const bool whole = duration && *duration % std::chrono::seconds(1) == Duration::zero();
  if (!whole || *duration < low || *duration > high) {
    return fail(
        "expected a duration of whole seconds from " + format_duration(low) + " to " +
        format_duration(high) + ", found " + in_quotes(value)
    );
  }
  config.*Member = *duration;
  return {};
}

// ---- addresses ----

Taken add_listen(Config& config, std::string_view value, const std::string&) {
  GH_TRY(HostPort at, parse_host_port(value));
  for (const HostPort& other : config.listen) {
    if (other.host == at.host && other.port == at.port && at.port != 0) {
      return fail(in_quotes(value) + " is given twice");
    }
  }
  config.listen.push_back(std::move(at));
  return {};
}

Shown show_listen(const Config& config) {
  Shown shown;
  for (const HostPort& at : config.listen) shown.push_back(at.to_string());
  return shown;
}

Taken take_admin_listen(Config& config, std::string_view value, const std::string&) {
  config.admin = value != "off";
  if (!config.admin) return {};
  GH_TRY(HostPort at, parse_host_port(value));
  if (at.host.empty()) at.host = "127.0.0.1";  // loopback unless an address is spelled out
  config.admin_listen = std::move(at);
  return {};
}

Shown show_admin_listen(const Config& config) {
  return {config.admin ? config.admin_listen.to_string() : std::string("off")};
}

Result<UpstreamUrl, std::string> parse_upstream(std::string_view text) {
  const std::string expected =
      "expected a URL such as https://10.0.0.1:6443, found " + in_quotes(text);
  UpstreamUrl upstream;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    upstream.tls = false;
  } else {
    return fail(expected);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.find_first_of("/?#@ ") != rest.npos) {
    return fail(expected + " (no user, path or query)");
  }
  upstream.url = (upstream.tls ? "https://" : "http://") + std::string(rest);
  const auto colon = rest.rfind(':');
  const bool has_port = colon != rest.npos && rest.find(']', colon) == rest.npos;
  auto at = parse_host_port(std::string(rest) + (has_port ? "" : upstream.tls ? ":443" : ":80"));
  if (!at) return fail(expected + " (" + at.error() + ")");
  if (at->host.empty() || at->port == 0) return fail(expected + " (a host and a port are needed)");
  upstream.at = std::move(*at);
  return upstream;
}

Taken add_upstream(Config& config, std::string_view value, const std::string&) {
  GH_TRY(UpstreamUrl upstream, parse_upstream(value));
  for (const UpstreamUrl& other : config.upstream) {
    if (other.url == upstream.url) return fail(in_quotes(value) + " is given twice");
  }
  config.upstream.push_back(std::move(upstream));
  return {};
}

Shown show_upstream(const Config& config) {
  Shown shown;
  for (const UpstreamUrl& upstream : config.upstream) shown.push_back(upstream.url);
  return shown;
}

Taken take_server_name(Config& config, std::string_view value, const std::string&) {
  const bool bad =
      value.empty() || value.size() > 253 || std::any_of(value.begin(), value.end(), [](char c) {
        return c <= ' ' || c == '/' || c == 0x7f;
      });
  if (bad) return fail("expected a host name or an address, found " + in_quotes(value));
  config.upstream_server_name = value;
  return {};
}

// ---- TLS ----

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "cert,key" or "cert,key:name,name", as kube-apiserver reads it: names come after the last colon.
Taken add_sni_cert_key(Config& config, std::string_view value, const std::string& folder) {
  const std::string expected =
      "expected CERT,KEY or CERT,KEY:NAME[,NAME…], found " + in_quotes(value);
  std::string_view files = value;
  CertificateFiles certificate;
  const bool in_token = value.find(",pkcs11:") != value.npos;  // its colons are its own
  if (const auto colon = value.rfind(':'); colon != value.npos && !in_token) {
    files = value.substr(0, colon);
    certificate.names = split(value.substr(colon + 1), ',');
    for (const std::string& name : certificate.names) {
      if (name.empty()) return fail(expected + " (a name is empty)");
    }
  }
  const auto paths = split(files, ',');
  if (paths.size() != 2 || paths[0].empty() || paths[1].empty()) return fail(expected);
  certificate.cert_file = from_folder(paths[0], folder);
  certificate.key_file = key_from_folder(paths[1], folder);
  config.tls_sni_cert_key.push_back(std::move(certificate));
  return {};
}

Shown show_sni_cert_key(const Config& config) {
  Shown shown;
  for (const CertificateFiles& certificate : config.tls_sni_cert_key) {
    std::string text = certificate.cert_file + "," + tls::without_pin(certificate.key_file);
    for (std::size_t i = 0; i < certificate.names.size(); ++i)
      text += (i == 0 ? ":" : ",") + certificate.names[i];
    shown.push_back(std::move(text));
  }
  return shown;
}

Taken add_cipher_suites(Config& config, std::string_view value, const std::string&) {
  for (std::string& name : split(value, ',')) {
    GH_TRY_VOID(check_cipher_suite(name));
    config.tls_cipher_suites.push_back(std::move(name));
  }
  return {};
}

Taken add_curves(Config& config, std::string_view value, const std::string&) {
  for (const std::string& name : split(value, ',')) {
    auto group = tls::group_named(name);
    if (!group) return fail(group.error().text);
    auto& chosen = config.tls_curve_preferences;
    if (std::find(chosen.begin(), chosen.end(), *group) != chosen.end())
      return fail("\"" + name + "\" is listed twice");
    chosen.push_back(std::move(*group));
  }
  return {};
}

Taken add_certificate_mapping(Config& config, std::string_view value, const std::string&) {
  if (config.certificate_mappings.size() == limits::mapping_rules_max)
    return fail("expected at most " + std::to_string(limits::mapping_rules_max) + " rules");
  GH_TRY(identity::CertificateRule rule, parse_certificate_rule(value));
  config.certificate_mappings.push_back(std::move(rule));
  return {};
}

Shown show_certificate_mappings(const Config& config) {
  Shown shown;
  for (const auto& rule : config.certificate_mappings) shown.push_back(show_certificate_rule(rule));
  return shown;
}

// ---- the dpdk road ----

Taken add_dpdk_port(Config& config, std::string_view value, const std::string&) {
  if (config.dpdk_ports.size() == 16) return fail(std::string("expected at most 16 ports"));
  GH_TRY(net::stack::PortConfig port, parse_dpdk_port(value));
  config.dpdk_ports.push_back(std::move(port));
  return {};
}

Shown show_dpdk_ports(const Config& config) {
  Shown shown;
  for (const auto& port : config.dpdk_ports) shown.push_back(show_dpdk_port(port));
  return shown;
}

Taken add_eal_arg(Config& config, std::string_view value, const std::string&) {
  if (value.empty() || value.find('\0') != value.npos)
    return fail(std::string("expected an argument, found nothing"));
  config.dpdk_eal_args.emplace_back(value);
  return {};
}

// ---- who and what ----

Taken add_authorizers(Config& config, std::string_view value, const std::string&) {
  for (const std::string& word : split(value, ',')) {
    Authorizer authorizer{};
    GH_TRY_VOID(pick<authorizers>(authorizer, word));
    if (config.uses(authorizer)) return fail(in_quotes(word) + " is given twice");
    config.authorization_mode.push_back(authorizer);
  }
  return {};
}

Shown show_authorizers(const Config& config) {
  std::string text;
  for (const Authorizer authorizer : config.authorization_mode) {
    for (const auto& choice : authorizers) {
      if (choice.value == authorizer) text += (text.empty() ? "" : ",") + std::string(choice.word);
    }
  }
  return {text};
}

Taken add_admission_plugins(Config& config, std::string_view value, const std::string&) {
  for (const std::string& word : split(value, ',')) {
    if (word != "NodeRestriction")
      return fail("expected NodeRestriction, the one gatehouse has; found " + in_quotes(word));
    config.node_restriction = true;
  }
  return {};
}

Shown show_admission_plugins(const Config& config) {
  return config.node_restriction ? Shown{"NodeRestriction"} : Shown{};
}

void clear_admission_plugins(Config& config) { config.node_restriction = false; }

bool is_token_char(char c) {  // of a field name, RFC 9110 §5.6.2
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

template <auto Member>
Taken add_header_names(Config& config, std::string_view value, const std::string&) {
  for (std::string& name : split(value, ',')) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_char))
      return fail("expected the name of a header, found " + in_quotes(name));
    (config.*Member).push_back(std::move(name));
  }
  return {};
}

template <auto Member>
Taken add_words(Config& config, std::string_view value, const std::string&) {
  if (value.empty()) return {};  // kube-apiserver's way to say: none
  for (std::string& word : split(value, ',')) {
    if (word.empty()) return fail("an empty word in " + in_quotes(value));
    (config.*Member).push_back(std::move(word));
  }
  return {};
}

// ---- bearer tokens ----

Taken add_issuer(Config& config, std::string_view value, const std::string&) {
  auto& issuers = config.service_account_issuer;
  if (value.empty()) return fail(std::string("should not be an empty string"));
  if (std::find(issuers.begin(), issuers.end(), value) != issuers.end())
    return fail(in_quotes(value) + " is already specified");
  issuers.emplace_back(value);
  return {};
}

// ISSUER=PATH. An issuer's URL has no query, so the first '=' ends it unless its path has one.
Taken add_jwks_file(Config& config, std::string_view value, const std::string& folder) {
  const auto equals = value.find('=');
  if (equals == value.npos || equals == 0 || equals + 1 == value.size())
    return fail("expected ISSUER=FILE, found " + in_quotes(value));
  IssuerKeyFile file{
      std::string(value.substr(0, equals)), from_folder(value.substr(equals + 1), folder)
  };
  GH_TRY_VOID(check_path(file.path));
  for (const IssuerKeyFile& other : config.oidc_jwks_file) {
    if (other.issuer == file.issuer) return fail(in_quotes(file.issuer) + " is given twice");
  }
  config.oidc_jwks_file.push_back(std::move(file));
  return {};
}

Shown show_jwks_files(const Config& config) {
  Shown shown;
  for (const IssuerKeyFile& file : config.oidc_jwks_file)
    shown.push_back(file.issuer + "=" + file.path);
  return shown;
}

constexpr std::int64_t ms = 1'000'000;

constexpr std::string_view g_file = "Configuration file";
constexpr std::string_view g_listen = "Listening";
constexpr std::string_view g_dpdk = "Kernel bypass (--road dpdk)";
constexpr std::string_view g_tls = "Serving certificate and TLS";
constexpr std::string_view g_client = "Client certificates";
constexpr std::string_view g_authn = "Other callers";
constexpr std::string_view g_tokens = "Bearer tokens";
constexpr std::string_view g_upstream = "API servers behind";
constexpr std::string_view g_authz = "Authorization";
constexpr std::string_view g_admin = "Health, metrics, debugging";
constexpr std::string_view g_time = "Time limits";
constexpr std::string_view g_log = "Logs";

// clang-format off
constexpr Option table[] = {
  {"config", OptionKind::value, g_file, "FILE",
   "YAML with the names below as keys. Flags win over the file. Relative paths in it start at its folder.",
   take_path<&Config::config_file>, nullptr, show_text<&Config::config_file>},

  {"listen", OptionKind::list, g_listen, "HOST:PORT",
   "Address for clients; may be repeated. \":6443\" is every address, IPv4 and IPv6. Needed.",
   add_listen, clear_list<&Config::listen>, show_listen},
  {"workers", OptionKind::value, g_listen, "N",
   "Threads that serve, each with its own listener. Default: one for each core this process may use.",
   take_number<&Config::workers, 1, 1024>, nullptr, show_workers},
  {"road", OptionKind::value, g_listen, "auto|uring|epoll|dpdk",
   "How bytes arrive. auto: io_uring where the kernel offers it, else epoll. dpdk: past the kernel, by DPDK and a TCP of our own, on --dpdk-ports.",
   take_choice<&Config::road, roads>, nullptr, show_choice<&Config::road, roads>},
  {"pin-workers", OptionKind::flag, g_listen, "",
   "Keep each worker on one core.",
   take_choice<&Config::pin_workers, booleans>, nullptr, show_choice<&Config::pin_workers, booleans>},

  {"dpdk-ports", OptionKind::maps, g_dpdk, "JSON",
   "A port, its addresses and routes: {\"device\": \"eth1\", \"addresses\": [\"10.0.0.2/24\"], \"routes\": [\"default via 10.0.0.1\"], \"mtu\": 1500, \"vlan\": 12}; the device is an interface (by AF_PACKET), a PCI address, or a virtual device as DPDK writes it. May be repeated. In the file also ports of the section dpdk.",
   add_dpdk_port, clear_list<&Config::dpdk_ports>, show_dpdk_ports},
  {"dpdk-eal-args", OptionKind::list, g_dpdk, "ARG",
   "A further argument of DPDK's EAL, such as --socket-mem=1024; may be repeated. Default: huge pages where there are enough free ones.",
   add_eal_arg, clear_list<&Config::dpdk_eal_args>, show_texts<&Config::dpdk_eal_args>},
  {"dpdk-frames", OptionKind::value, g_dpdk, "N",
   "Packet buffers of each worker and port.",
   take_number<&Config::dpdk_frames, 4096, 4'000'000>, nullptr, show_number<&Config::dpdk_frames>},
  {"busy-poll", OptionKind::flag, g_dpdk, "",
   "Workers of the dpdk road never sleep: the least latency, and all of their cores.",
   take_choice<&Config::busy_poll, booleans>, nullptr, show_choice<&Config::busy_poll, booleans>},

  {"tls-cert-file", OptionKind::value, g_tls, "FILE",
   "Serving certificate, followed by its intermediates (PEM). Needed. Re-read when it changes.",
   take_path<&Config::tls_cert_file>, nullptr, show_text<&Config::tls_cert_file>},
  {"tls-private-key-file", OptionKind::value, g_tls, "FILE|URI",
   "Its private key (PEM), or a key in a PKCS#11 token (pkcs11:token=…;object=…?module-path=…&pin-source=…). Needed.",
   take_key<&Config::tls_private_key_file>, nullptr, show_key<&Config::tls_private_key_file>},
  {"tls-sni-cert-key", OptionKind::list, g_tls, "CERT,KEY[:NAME,…]",
   "A further certificate for the server names given, or else those in it (\"*.example.org\" allowed); may be repeated.",
   add_sni_cert_key, clear_list<&Config::tls_sni_cert_key>, show_sni_cert_key},
  {"tls-min-version", OptionKind::value, g_tls, "VersionTLS12|VersionTLS13",
   "The oldest TLS version accepted.",
   take_choice<&Config::tls_min_version, min_versions>, nullptr, show_choice<&Config::tls_min_version, min_versions>},
  {"tls-cipher-suites", OptionKind::list, g_tls, "NAME,…",
   "Cipher suites of TLS 1.2, by Go's names (TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256). TLS 1.3's are fixed.",
   add_cipher_suites, clear_list<&Config::tls_cipher_suites>, show_texts<&Config::tls_cipher_suites>},
  {"tls-curve-preferences", OptionKind::list, g_tls, "NAME,…",
   "Key exchanges, the preferred one first: X25519MLKEM768 (where the TLS library has it), X25519, P-256, P-384, P-521; or by number or Go's name. Default: in this order.",
   add_curves, clear_list<&Config::tls_curve_preferences>, show_texts<&Config::tls_curve_preferences>},
  {"crypto-batch", OptionKind::value, g_tls, "auto|on|off",
   "Gather the public-key operations of handshakes, up to eight at once. auto: where that is faster, which takes AVX-512 IFMA and a build with crypto_mb. on: gather in any case.",
   take_choice<&Config::crypto_batch, crypto_batchings>, nullptr, show_choice<&Config::crypto_batch, crypto_batchings>},
  {"ssl-engine", OptionKind::value, g_tls, "NAME",
   "An OpenSSL ENGINE that does what it can of the library's operations, such as qatengine; with OpenSSL 3.x only. Default: none.",
   take_word<&Config::ssl_engine>, nullptr, show_text<&Config::ssl_engine>},
  {"ticket-lifetime", OptionKind::value, g_tls, "DURATION",
   "A session ticket is good for so long, at most 168h; 0s: clients get none, each handshake is a full one.",
   take_seconds<&Config::ticket_lifetime, 0, limits::ticket_lifetime_limit.count()>, nullptr, show_duration<&Config::ticket_lifetime>},
  {"resumption-lineage-max", OptionKind::value, g_tls, "DURATION",
   "So long after its full handshake a session may go on from ticket to ticket, at most 720h; then the certificate is asked for again. 0s: no tickets.",
   take_seconds<&Config::resumption_lineage_max, 0, limits::ticket_lineage_limit.count()>, nullptr, show_duration<&Config::resumption_lineage_max>},
  {"session-ticket-key-file", OptionKind::list, g_tls, "PATH",
   "Keys of session tickets, the same for all replicas: 80 raw bytes (openssl rand 80), or base64 of such, one a line. The first key seals, all open; may be repeated. Of a folder's files, by name, the last but one seals. Re-read when they change. Default: keys made here.",
   add_path<&Config::session_ticket_key_file>, clear_list<&Config::session_ticket_key_file>, show_texts<&Config::session_ticket_key_file>},
  {"session-ticket-rotate-interval", OptionKind::value, g_tls, "DURATION",
   "A new key made here so often; those before open tickets for their lifetime (at most 15 of them).",
   take_seconds<&Config::session_ticket_rotate_interval, 1, limits::ticket_lifetime_limit.count()>, nullptr, show_duration<&Config::session_ticket_rotate_interval>},

  {"client-ca-file", OptionKind::value, g_client, "FILE",
   "CA certificates that clients' certificates must lead to (PEM). Needed. Re-read when it changes.",
   take_path<&Config::client_ca_file>, nullptr, show_text<&Config::client_ca_file>},
  {"client-cert-mode", OptionKind::value, g_client, "require|request",
   "require: no handshake without a valid certificate. request: such clients get 401 for each request.",
   take_choice<&Config::client_cert_mode, client_cert_modes>, nullptr, show_choice<&Config::client_cert_mode, client_cert_modes>},
  {"certificate-mapping", OptionKind::maps, g_client, "JSON",
   "A rule that names the caller by SPIFFE ID, DNS name or OU instead of by common name; may be repeated, the first that matches counts. Also certificateMappings in the file. Default: none.",
   add_certificate_mapping, clear_list<&Config::certificate_mappings>, show_certificate_mappings},

  {"anonymous-auth", OptionKind::flag, g_authn, "",
   "Judge a caller without credentials as system:anonymous, not 401. Unlike kube-apiserver, off by default. Needs client-cert-mode request.",
   take_choice<&Config::anonymous_auth, booleans>, nullptr, show_choice<&Config::anonymous_auth, booleans>},
  {"requestheader-client-ca-file", OptionKind::value, g_authn, "FILE",
   "CA certificates of front proxies (PEM): who holds a certificate from them may say in headers who is calling. Default: none is believed.",
   take_path<&Config::requestheader_client_ca_file>, nullptr, show_text<&Config::requestheader_client_ca_file>},
  {"requestheader-allowed-names", OptionKind::list, g_authn, "NAME,…",
   "Common names of front proxies. Default: any that the CA signed.",
   add_words<&Config::requestheader_allowed_names>, clear_list<&Config::requestheader_allowed_names>, show_texts<&Config::requestheader_allowed_names>},
  {"requestheader-username-headers", OptionKind::list, g_authn, "NAME,…",
   "Headers in which a front proxy gives the user; the first that has a value counts.",
   add_header_names<&Config::requestheader_username_headers>, clear_list<&Config::requestheader_username_headers>, show_texts<&Config::requestheader_username_headers>},
  {"requestheader-uid-headers", OptionKind::list, g_authn, "NAME,…",
   "…the user's uid.",
   add_header_names<&Config::requestheader_uid_headers>, clear_list<&Config::requestheader_uid_headers>, show_texts<&Config::requestheader_uid_headers>},
  {"requestheader-group-headers", OptionKind::list, g_authn, "NAME,…",
   "…the groups, one a header.",
   add_header_names<&Config::requestheader_group_headers>, clear_list<&Config::requestheader_group_headers>, show_texts<&Config::requestheader_group_headers>},
  {"requestheader-extra-headers-prefix", OptionKind::list, g_authn, "PREFIX,…",
   "…and extra values, as PREFIX followed by the key.",
   add_header_names<&Config::requestheader_extra_headers_prefix>, clear_list<&Config::requestheader_extra_headers_prefix>, show_texts<&Config::requestheader_extra_headers_prefix>},

  {"token-auth-file", OptionKind::value, g_tokens, "FILE",
   "Static tokens, CSV: token,user,uid,\"group1,group2\". Re-read when it changes.",
   take_path<&Config::token_auth_file>, nullptr, show_text<&Config::token_auth_file>},
  {"enable-bootstrap-token-auth", OptionKind::flag, g_tokens, "",
   "Accept bootstrap tokens, from the Secrets of --bootstrap-token-secrets.",
   take_choice<&Config::enable_bootstrap_token_auth, booleans>, nullptr, show_choice<&Config::enable_bootstrap_token_auth, booleans>},
  {"bootstrap-token-secrets", OptionKind::list, g_tokens, "PATH",
   "Secrets of type bootstrap.kubernetes.io/token in kube-system: a YAML or JSON file, or a folder of them; may be repeated. Re-read when they change.",
   add_path<&Config::bootstrap_token_secrets>, clear_list<&Config::bootstrap_token_secrets>, show_texts<&Config::bootstrap_token_secrets>},
  {"service-account-key-file", OptionKind::list, g_tokens, "FILE",
   "Keys that service account tokens are verified with (PEM: public keys, certificates or private keys, several in a file); may be repeated. Re-read when they change.",
   add_path<&Config::service_account_key_file>, clear_list<&Config::service_account_key_file>, show_texts<&Config::service_account_key_file>},
  {"service-account-issuer", OptionKind::list, g_tokens, "ISSUER",
   "Issuer of service account tokens; may be repeated. Needed with --service-account-key-file.",
   add_issuer, clear_list<&Config::service_account_issuer>, show_texts<&Config::service_account_issuer>},
  {"api-audiences", OptionKind::list, g_tokens, "AUDIENCE,…",
   "A service account token must be meant for one of these. Default: the issuers.",
   add_words<&Config::api_audiences>, clear_list<&Config::api_audiences>, show_texts<&Config::api_audiences>},
  {"service-account-lookup", OptionKind::flag, g_tokens, "",
   "Ask an API server (TokenReview) whether the account, pod, node or secret of a service account token still exists. Unlike kube-apiserver, off by default.",
   take_choice<&Config::service_account_lookup, booleans>, nullptr, show_choice<&Config::service_account_lookup, booleans>},
  {"authentication-config", OptionKind::value, g_tokens, "FILE",
   "An AuthenticationConfiguration: OIDC issuers, how claims become users. Re-read when it changes.",
   take_path<&Config::authentication_config>, nullptr, show_text<&Config::authentication_config>},
  {"oidc-jwks-file", OptionKind::list, g_tokens, "ISSUER=FILE",
   "Keys of an issuer of --authentication-config (JSON Web Key Set), instead of asking its URL; may be repeated. Re-read when it changes.",
   add_jwks_file, clear_list<&Config::oidc_jwks_file>, show_jwks_files},
  {"authentication-token-webhook", OptionKind::flag, g_tokens, "",
   "Ask an API server (TokenReview) about tokens that nobody here knows.",
   take_choice<&Config::authentication_token_webhook, booleans>, nullptr, show_choice<&Config::authentication_token_webhook, booleans>},

  {"upstream", OptionKind::list, g_upstream, "URL",
   "An API server, https://HOST:PORT; repeated for replicas. Needed.",
   add_upstream, clear_list<&Config::upstream>, show_upstream},
  {"upstream-ca-file", OptionKind::value, g_upstream, "FILE",
   "CA certificates that API servers' certificates must lead to (PEM). Needed for https.",
   take_path<&Config::upstream_ca_file>, nullptr, show_text<&Config::upstream_ca_file>},
  {"upstream-server-name", OptionKind::value, g_upstream, "NAME",
   "The name their certificates must have. Default: the host of the URL.",
   take_server_name, nullptr, show_text<&Config::upstream_server_name>},
  {"proxy-client-cert-file", OptionKind::value, g_upstream, "FILE",
   "Our client certificate towards them (PEM), one that their --requestheader-client-ca-file trusts. Needed for https.",
   take_path<&Config::proxy_client_cert_file>, nullptr, show_text<&Config::proxy_client_cert_file>},
  {"proxy-client-key-file", OptionKind::value, g_upstream, "FILE|URI",
   "Its private key (PEM), or a key in a PKCS#11 token, as --tls-private-key-file. Needed for https.",
   take_key<&Config::proxy_client_key_file>, nullptr, show_key<&Config::proxy_client_key_file>},
  {"allow-plaintext-upstream", OptionKind::flag, g_upstream, "",
   "Accept http:// URLs. Everybody who reaches that port can then say to be anybody: for tests, or a private pod network.",
   take_choice<&Config::allow_plaintext_upstream, booleans>, nullptr, show_choice<&Config::allow_plaintext_upstream, booleans>},

  {"authorization-mode", OptionKind::list, g_authz, "MODE,…",
   "Who is asked, in this order, until one allows. Node: the objects of --node-graph decide for kubelets. RBAC: the rules of --policy. AlwaysAllow: whoever is authenticated is forwarded.",
   add_authorizers, clear_list<&Config::authorization_mode>, show_authorizers},
  {"authorization-shadow", OptionKind::flag, g_authz, "",
   "Forward what would be denied, count it and write it to the access log as shadow-deny. The API servers still decide.",
   take_choice<&Config::authorization_shadow, booleans>, nullptr, show_choice<&Config::authorization_shadow, booleans>},
  {"node-graph", OptionKind::list, g_authz, "PATH",
   "Pods, PersistentVolumes and other objects that authorization-mode Node goes by: files or folders, YAML or JSON; may be repeated. Re-read when they change.",
   add_path<&Config::node_graph>, clear_list<&Config::node_graph>, show_texts<&Config::node_graph>},
  {"enable-admission-plugins", OptionKind::list, g_authz, "NAME,…",
   "NodeRestriction: what a kubelet changes is held against its own node and pods.",
   add_admission_plugins, clear_admission_plugins, show_admission_plugins},
  {"policy", OptionKind::list, g_authz, "PATH",
   "Kubernetes RBAC objects: a YAML or JSON file, or a folder of them; may be repeated. Needed for RBAC. Re-read when it changes.",
   add_path<&Config::policy>, clear_list<&Config::policy>, show_texts<&Config::policy>},
  {"bootstrap-policy", OptionKind::flag, g_authz, "",
   "Kubernetes' default roles and bindings (v1.36.3) are in force as if they were in --policy; an object of the same kind and name there replaces one.",
   take_choice<&Config::bootstrap_policy, booleans>, nullptr, show_choice<&Config::bootstrap_policy, booleans>},

  {"admin-listen", OptionKind::value, g_admin, "HOST:PORT|off",
   "Plain HTTP for /livez, /readyz, /metrics and /debug/config. \":PORT\" is 127.0.0.1.",
   take_admin_listen, nullptr, show_admin_listen},
  {"admin-allow-remote", OptionKind::flag, g_admin, "",
   "Let --admin-listen be an address that is not loopback. It has no authentication.",
   take_choice<&Config::admin_allow_remote, booleans>, nullptr, show_choice<&Config::admin_allow_remote, booleans>},

  {"handshake-timeout", OptionKind::value, g_time, "DURATION",
   "A TLS handshake not finished by then is cut off.",
   take_duration<&Config::handshake_timeout, 100 * ms>, nullptr, show_duration<&Config::handshake_timeout>},
  {"head-timeout", OptionKind::value, g_time, "DURATION",
   "A request head not whole by then is answered 408.",
   take_duration<&Config::head_timeout, 100 * ms>, nullptr, show_duration<&Config::head_timeout>},
  {"idle-timeout", OptionKind::value, g_time, "DURATION",
   "A connection without a request for so long is closed.",
   take_duration<&Config::idle_timeout, 100 * ms>, nullptr, show_duration<&Config::idle_timeout>},
  {"shutdown-timeout", OptionKind::value, g_time, "DURATION",
   "After SIGTERM running requests have so long to finish; 0s: none.",
   take_duration<&Config::shutdown_timeout, 0>, nullptr, show_duration<&Config::shutdown_timeout>},

  {"access-log", OptionKind::value, g_log, "FILE|-",
   "One JSON line a request, to a file (reopened on SIGHUP and SIGUSR1) or standard output. Default: none.",
   take_access_log, nullptr, show_text<&Config::access_log>},
  {"log-format", OptionKind::value, g_log, "text|json",
   "Event lines on standard error.",
   take_choice<&Config::log_format, log_formats>, nullptr, show_choice<&Config::log_format, log_formats>},
  {"v", OptionKind::value, g_log, "LEVEL",
   "More event lines: 0 events, 1 and above debugging.",
   take_number<&Config::verbosity, 0, 10>, nullptr, show_number<&Config::verbosity>},
};
// clang-format on

constexpr auto make_names() {
  std::array<std::string_view, std::size(table)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = table[i].name;
  return names;
}

constexpr auto names = make_names();

}  // namespace

std::span<const Option> options() { return table; }

std::span<const std::string_view> option_names() { return names; }

const Option* find_option(std::string_view name) {
  for (const Option& option : table) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

}  // namespace gh::control
