// SPDX-License-Identifier: Apache-2.0
#include "control/config.h"

#include "base/json_text.h"
#include "control/cipher_suites.h"
#include "control/options.h"
#include "control/suggest.h"

#include <arpa/inet.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>

namespace gh::control {
namespace {

constexpr std::size_t config_file_bytes_max = 1024 * 1024;  // larger: refused

std::string place(const std::string& file, const YAML::Mark& mark) {
  return mark.is_null() ? file : file + ":" + std::to_string(mark.line + 1);
}

bool has_bad_bytes(const std::string& text) { return text.find('\0') != text.npos; }

// Takes note of where documents begin.
class Documents final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { last_ = mark; }

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}

  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}

  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&)
      override {}

  void OnSequenceStart(
      const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value
  ) override {}

  void OnSequenceEnd() override {}

  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value)
      override {}

  void OnMapEnd() override {}

  const YAML::Mark& last() const { return last_; }

 private:
  YAML::Mark last_;
};

// Nothing of the file is passed over unseen: yaml-cpp skips lines that begin with '%' wherever they
// stand, and ends a document at text it cannot read, to find the same text as the next document
// again and again (so YAML::LoadAll of "," never ends).
bool check_document(
    const std::string& text, const std::string& file, std::vector<Fault>& problems
) {
  if (text.starts_with('%') || text.find("\n%") != text.npos) {
    problems.push_back(
        {"a line begins with %, which only YAML directives do; there is no use for them here", file}
    );
    return false;
  }
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Documents documents;
  if (!parser.HandleNextDocument(documents) || !parser.HandleNextDocument(documents)) return true;
  problems.push_back(
      {"expected one YAML document; here another one begins, or text that is not YAML",
       place(file, documents.last())}
  );
  return false;
}

// A mapping of texts and lists of texts as JSON. Nothing deeper, so that no alias can make it
// large.
bool append_json(std::string& out, const YAML::Node& node, int depth) {
  if (out.size() > config_file_bytes_max) return false;
  if (node.IsScalar()) {
    out += json_quoted(node.Scalar());
    return true;
  }
  if (depth == 0 || !(node.IsMap() || node.IsSequence())) return false;
  out += node.IsMap() ? '{' : '[';
  bool good = true;
  const std::size_t from = out.size();
  for (const auto& item : node) {
    if (out.size() != from) out += ", ";
    if (node.IsMap()) {
      good = good && append_json(out, item.first, 0);
      out += ": ";
    }
    good = good && append_json(out, node.IsMap() ? item.second : YAML::Node(item), depth - 1);
  }
  out += node.IsMap() ? '}' : ']';
  return good;
}

// A scalar as text, or a problem.
void take_value(
    const Option& option,
    const YAML::Node& node,
    const std::string& file,
    Setting& setting,
    std::vector<Fault>& problems
) {
  const std::string where =
      node.IsNull() ? setting.where
                    : place(file, node.Mark());  // yaml-cpp marks nothing on the next line
  const std::string name(option.name);
  std::string json;
  if (option.kind == OptionKind::maps && node.IsMap() && append_json(json, node, 2)) {
    setting.values.push_back({std::move(json), where});
    return;
  }
  if (!node.IsScalar()) {
    const char* found = node.IsNull() ? "nothing" : node.IsMap() ? "a mapping" : "a sequence";
    problems.push_back(
        {name + ": expected " + (option.kind == OptionKind::flag ? "true or false" : "a value") +
             ", found " + found,
         where}
    );
    return;
  }
  if (has_bad_bytes(node.Scalar())) {
    problems.push_back({name + ": the value holds a NUL byte", where});
    return;
  }
  setting.values.push_back({node.Scalar(), where});
}

void take_entry(
    const YAML::Node& key,
    const YAML::Node& value,
    const std::string& file,
    const std::string& section,
    std::vector<Setting>& settings,
    std::vector<Fault>& problems
);

// "dpdk: {ports: …}" is "dpdk-ports: …".
void take_section(
    const std::string& name,
    const YAML::Node& value,
    const std::string& file,
    std::vector<Setting>& settings,
    std::vector<Fault>& problems
) {
  if (!value.IsMap()) {
    problems.push_back({name + ": expected \"name: value\" lines", place(file, value.Mark())});
    return;
  }
  for (const auto& entry : value)
    take_entry(entry.first, entry.second, file, name, settings, problems);
}

void take_entry(
    const YAML::Node& key,
    const YAML::Node& value,
    const std::string& file,
    const std::string& section,
    std::vector<Setting>& settings,
    std::vector<Fault>& problems
) {
  const std::string where = place(file, key.Mark());
  if (!key.IsScalar()) {
    problems.push_back({"expected the name of an option as key", where});
    return;
  }
  if (key.Scalar() == "dpdk" && section.empty()) {
    return take_section(key.Scalar(), value, file, settings, problems);
  }
  std::string name = key.Scalar() == "certificateMappings" ? "certificate-mapping" : key.Scalar();
  if (!section.empty() && name != "busy-poll") name = section + "-" + name;
  const Option* option = find_option(name);
  if (option == nullptr || name == "config") {
    problems.push_back({"unknown key \"" + name + "\"" + did_you_mean(name, option_names()), where}
    );
    return;
  }
  for (const Setting& other : settings) {
    if (other.name != name) continue;
    problems.push_back({"\"" + name + "\" is here twice, first at " + other.where, where});
    return;
  }
  Setting setting{name, {}, where, std::filesystem::path(file).parent_path().string()};
  if (is_list(option->kind) && value.IsSequence()) {
    for (const auto& item : value) take_value(*option, item, file, setting, problems);
  } else {
    take_value(*option, value, file, setting, problems);
  }
  settings.push_back(std::move(setting));
}

// A later setting of an option replaces an earlier one whole.
void apply(Config& config, const Setting& setting, std::vector<Fault>& problems) {
  const Option* option = find_option(setting.name);
  if (option == nullptr) return;
  if (option->clear != nullptr) option->clear(config);
  for (const SettingValue& value : setting.values) {
    const auto taken = option->take(config, value.text, setting.folder);
    if (!taken) problems.push_back({setting.name + ": " + taken.error(), value.where});
  }
  config.origin[setting.name] = setting.where;
}

std::string where_of(const Config& config, std::string_view option) {
  const auto found = config.origin.find(option);
  return found == config.origin.end() ? "--" + std::string(option) : found->second;
}

void need(
    const Config& config,
    std::string_view option,
    std::string_view why,
    std::vector<Fault>& problems
) {
  if (config.origin.find(option) != config.origin.end()) {
    if (!find_option(option)->show(config).empty()) return;
    const bool reported = std::any_of(problems.begin(), problems.end(), [&](const Fault& problem) {
      return problem.text.starts_with(std::string(option) + ":");
    });
    if (reported) return;  // a bad value was given: said already
  }
  problems.push_back(
      {std::string(option) + " is needed" + std::string(why), where_of(config, option)}
  );
}

void check_upstreams(const Config& config, std::vector<Fault>& problems) {
  need(config, "upstream", ": at least one URL of an API server", problems);
  bool tls = false;
  for (const UpstreamUrl& upstream : config.upstream) {
    tls = tls || upstream.tls;
    if (!upstream.tls && !config.allow_plaintext_upstream) {
      problems.push_back(
          {"upstream: \"" + upstream.url +
               "\" is not https; allow-plaintext-upstream would accept it",
           where_of(config, "upstream")}
      );
    }
  }
  if (!tls) return;
  need(config, "upstream-ca-file", " to verify https upstreams", problems);
  need(config, "proxy-client-cert-file", " to authenticate to https upstreams", problems);
  need(config, "proxy-client-key-file", " to authenticate to https upstreams", problems);
}

void check_admin(const Config& config, std::vector<Fault>& problems) {
  if (!config.admin || config.admin_allow_remote || is_loopback(config.admin_listen)) return;
  problems.push_back(
      {"admin-listen: \"" + config.admin_listen.to_string() +
           "\" is not a loopback address; admin-allow-remote would accept it",
       where_of(config, "admin-listen")}
  );
}

void check_cipher_suites(const Config& config, std::vector<Fault>& problems) {
  if (config.tls_cipher_suites.empty() || config.tls_min_version == MinVersion::tls_1_3) return;
  if (!openssl_cipher_list(config.tls_cipher_suites).empty()) return;
  problems.push_back(
      {"tls-cipher-suites: none of these is of TLS 1.2; tls-min-version VersionTLS13 would do "
       "without",
       where_of(config, "tls-cipher-suites")}
  );
}

// As kube-apiserver's BuiltInAuthenticationOptions.Validate, where it has the options.
void check_tokens(const Config& config, std::vector<Fault>& problems) {
  if (!config.service_account_key_file.empty())
    need(config, "service-account-issuer", " with service-account-key-file", problems);
  if (!config.service_account_issuer.empty())
    need(config, "service-account-key-file", " with service-account-issuer", problems);
  if (config.enable_bootstrap_token_auth)
    need(config, "bootstrap-token-secrets", " for enable-bootstrap-token-auth", problems);
  const auto useless = [&](std::string_view option, bool given, std::string_view without) {
    if (!given) return;
    problems.push_back(
        {std::string(option) + " is of no use without " + std::string(without),
         where_of(config, option)}
    );
  };
  useless(
      "bootstrap-token-secrets",
      !config.bootstrap_token_secrets.empty() && !config.enable_bootstrap_token_auth,
      "enable-bootstrap-token-auth"
  );
  useless(
      "oidc-jwks-file",
      !config.oidc_jwks_file.empty() && config.authentication_config.empty(),
      "authentication-config"
  );
  useless(
      "service-account-lookup",
      config.service_account_lookup && config.service_account_key_file.empty(),
      "service-account-key-file"
  );
  // Otherwise nobody would confirm a token, and all would be refused.
  if (config.service_account_lookup && !config.authentication_token_webhook) {
    problems.push_back(
        {"service-account-lookup needs authentication-token-webhook: an API server has to be asked",
         where_of(config, "service-account-lookup")}
    );
  }
}

// What no single value shows.
// Keys of files are rotated by who writes the files.
void check_tickets(const Config& config, std::vector<Fault>& problems) {
  const auto interval = config.origin.find("session-ticket-rotate-interval");
  if (config.session_ticket_key_file.empty() || interval == config.origin.end()) return;
  problems.push_back(
      {"session-ticket-rotate-interval: is for keys made here, not for those of "
       "session-ticket-key-file",
       interval->second}
  );
}

// What the host has to say is for serve and check.
void check_dpdk(const Config& config, std::vector<Fault>& problems) {
  if (config.road == RoadChoice::dpdk) {
    need(config, "dpdk-ports", " with road dpdk", problems);
    return;
  }
  for (const std::string_view option : {"dpdk-ports", "dpdk-eal-args", "busy-poll"}) {
    const auto given = config.origin.find(option);
    if (given == config.origin.end() || (option == "busy-poll" && !config.busy_poll)) continue;
    problems.push_back({std::string(option) + " is of no use without road dpdk", given->second});
  }
}

void check_whole(const Config& config, std::vector<Fault>& problems) {
  need(config, "listen", ": at least one HOST:PORT", problems);
  need(config, "tls-cert-file", "", problems);
  need(config, "tls-private-key-file", "", problems);
  need(config, "client-ca-file", "", problems);
  check_cipher_suites(config, problems);
  check_tickets(config, problems);
  check_dpdk(config, problems);
  check_upstreams(config, problems);
  check_tokens(config, problems);
  if (config.uses(Authorizer::rbac) && !config.bootstrap_policy) {
    need(config, "policy", " for authorization-mode RBAC", problems);
  }
  check_admin(config, problems);
}

std::string yaml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", byte);
      out += hex;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string HostPort::to_string() const {
  const bool ipv6 = host.find(':') != host.npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HostPort, std::string> parse_host_port(std::string_view text) {
  const std::string found = ", found \"" + std::string(text) + "\"";
  const auto colon = text.rfind(':');
  if (colon == text.npos) return fail("expected HOST:PORT" + found);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  HostPort at;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), at.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) {
    return fail("expected a port from 0 to 65535 after the last colon" + found);
  }
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
    in6_addr address{};
    const std::string literal(host.substr(0, host.find('%')));
    if (inet_pton(AF_INET6, literal.c_str(), &address) != 1) {
      return fail("expected an IPv6 address in the brackets" + found);
    }
  } else if (host.find(':') != host.npos) {
    return fail("expected an IPv6 address in brackets, as in [::1]:6443" + found);
  }
  const bool bad =
      host.size() > 253 || std::any_of(host.begin(), host.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= ' ' || byte >= 0x7f || c == '/' || c == '[' || c == ']' || c == '@';
      });
  if (bad) return fail("expected a host name or an address before the port" + found);
  at.host = host;
  return at;
}

bool is_loopback(const HostPort& at) {
  in_addr ipv4{};
  if (inet_pton(AF_INET, at.host.c_str(), &ipv4) == 1) return (ntohl(ipv4.s_addr) >> 24) == 127;
  in6_addr ipv6{};
  if (inet_pton(AF_INET6, at.host.c_str(), &ipv6) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&ipv6) || (IN6_IS_ADDR_V4MAPPED(&ipv6) && ipv6.s6_addr[12] == 127);
  }
  return at.host == "localhost";
}

Outcome<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const auto system_says = [&](int error) {
    return fault(std::string("cannot be read: ") + std::strerror(error), path);
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return fault("expected a file, found a folder", path);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(path.c_str(), "rbe"), &std::fclose
  );
  if (!file) return system_says(errno);
  std::string text;
  char piece[16384];
  while (const std::size_t n = std::fread(piece, 1, sizeof piece, file.get())) {
    text.append(piece, n);
    if (text.size() > bytes_max) {
      return fault("is larger than " + std::to_string(bytes_max) + " bytes", path);
    }
  }
  if (std::ferror(file.get()) != 0) return system_says(errno);
  return text;
}

std::vector<Setting> parse_config_text(
    const std::string& text, const std::string& file, std::vector<Fault>& problems
) {
  std::vector<Setting> settings;
  try {
    if (!check_document(text, file, problems)) return settings;
    const YAML::Node document = YAML::Load(text);
    if (document.IsNull()) return settings;
    if (!document.IsMap()) {
      problems.push_back({"expected \"name: value\" lines", place(file, document.Mark())});
      return settings;
    }
    for (const auto& entry : document)
      take_entry(entry.first, entry.second, file, "", settings, problems);
  } catch (const YAML::Exception& error) {
    problems.push_back({"not YAML: " + error.msg, place(file, error.mark)});
  } catch (const std::exception& error) {
    problems.push_back({std::string("not YAML: ") + error.what(), file});
  }
  return settings;
}

Loaded load_config(const std::vector<Setting>& flags) {
  Loaded loaded;
  std::set<std::string_view> overridden;
  for (const Setting& flag : flags) {
    overridden.insert(flag.name);
    if (flag.name == "config") apply(loaded.config, flag, loaded.problems);
  }
  const std::string& file = loaded.config.config_file;
  if (!file.empty()) {
    const auto text = read_file(file, config_file_bytes_max);
    if (!text) {
      loaded.problems.push_back({"config: " + text.error().text, file});
      return loaded;
    }
    Config unused;  // a value that a flag overrides must be good all the same
    for (const Setting& setting : parse_config_text(*text, file, loaded.problems)) {
      apply(overridden.contains(setting.name) ? unused : loaded.config, setting, loaded.problems);
    }
  }
  for (const Setting& flag : flags) {
    if (flag.name != "config") apply(loaded.config, flag, loaded.problems);
  }
  check_whole(loaded.config, loaded.problems);
  return loaded;
}

std::string render_config(const Config& config) {
  std::string out =
      "# The configuration in force. No value here is a secret; key files are named, not shown.\n";
  for (const Option& option : options()) {
    if (option.name == "config") continue;
    const auto values = option.show(config);
    const auto origin = config.origin.find(option.name);
    const std::string from =
        "  # " + (origin == config.origin.end() ? std::string("default") : origin->second) + "\n";
    if (values.empty()) continue;
    out += std::string(option.name) + ":";
    if (is_list(option.kind)) {
      out += from;
      for (const std::string& value : values) out += "  - " + yaml_quoted(value) + "\n";
    } else {
      out += " " +
             (option.kind == OptionKind::flag ? values.front() : yaml_quoted(values.front())) +
             from;
    }
  }
  return out;
}

}  // namespace gh::control
