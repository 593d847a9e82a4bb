// SPDX-License-Identifier: Apache-2.0
#include "control/config.h"

#include "control/cipher_suites.h"
#include "control/dpdk_ports.h"
#include "control/options.h"
#include "control/suggest.h"
#include "tests/control/temporary_folder.h"
#include "tests/support/tests_dir.h"

#include <gtest/gtest.h>

namespace gh::control {
namespace {

Setting flag(std::string name, std::vector<std::string> values) {
  Setting setting{name, {}, "--" + name, ""};
  for (std::string& value : values) setting.values.push_back({std::move(value), "--" + name});
  return setting;
}

// The flags no gate starts without.
std::vector<Setting> needed_flags() {
  return {
      flag("listen", {"127.0.0.1:8443"}),
      flag("tls-cert-file", {"/c"}),
      flag("tls-private-key-file", {"/k"}),
      flag("client-ca-file", {"/ca"}),
      flag("upstream", {"https://10.0.0.1:6443"}),
      flag("upstream-ca-file", {"/uca"}),
      flag("proxy-client-cert-file", {"/pc"}),
      flag("proxy-client-key-file", {"/pk"}),
      flag("policy", {"/policy"}),
  };
}

Loaded load_with(std::vector<Setting> more, std::vector<std::string> without = {}) {
  std::vector<Setting> flags;
  for (Setting& setting : needed_flags()) {
    const bool left_out = std::find(without.begin(), without.end(), setting.name) != without.end();
    const bool replaced = std::any_of(more.begin(), more.end(), [&](const Setting& m) {
      return m.name == setting.name;
    });
    if (!left_out && !replaced) flags.push_back(std::move(setting));
  }
  for (Setting& setting : more) flags.push_back(std::move(setting));
  return load_config(flags);
}

std::string text_of(const std::vector<Fault>& problems) {
  std::string out;
  for (const Fault& problem : problems) out += problem.to_string() + "\n";
  return out;
}

TEST(Config, flags_alone_make_a_whole_configuration) {
  const Loaded loaded = load_with({});
  EXPECT_EQ(text_of(loaded.problems), "");
  ASSERT_EQ(loaded.config.listen.size(), 1u);
  EXPECT_EQ(loaded.config.listen[0].to_string(), "127.0.0.1:8443");
  EXPECT_EQ(loaded.config.authorization_mode, std::vector{Authorizer::rbac});
  EXPECT_EQ(loaded.config.client_cert_mode, ClientCertMode::require);
  EXPECT_EQ(loaded.config.admin_listen.to_string(), "127.0.0.1:9440");
}

TEST(Config, each_bad_value_is_told_with_what_was_expected) {
  const struct {
    const char* option;
    const char* value;
    const char* text;  // in the problem
  } cases[] = {
      {"listen", "8443", "expected HOST:PORT"},
      {"listen", "127.0.0.1:", "expected a port from 0 to 65535"},
      {"listen", "127.0.0.1:65536", "expected a port from 0 to 65535"},
      {"listen", "127.0.0.1:+1", "expected a port from 0 to 65535"},
      {"listen", "::1:8443", "expected an IPv6 address in brackets"},
      {"listen", "[127.0.0.1]:8443", "expected an IPv6 address in the brackets"},
      {"listen", "a b:1", "expected a host name or an address"},
      {"workers", "0", "expected a whole number from 1 to 1024"},
      {"workers", "-1", "expected a whole number from 1 to 1024"},
      {"workers", "two", "expected a whole number from 1 to 1024, found \"two\""},
      {"workers", "1.5", "expected a whole number"},
      {"road",
       "io_uring",
       "expected auto, uring, epoll or dpdk, found \"io_uring\", did you mean \"uring\"?"},
      {"pin-workers", "yes", "expected true or false, found \"yes\""},
      {"tls-min-version", "VersionTLS11", "expected VersionTLS12 or VersionTLS13"},
      {"tls-min-version", "VersionTLS1.2", "did you mean \"VersionTLS12\"?"},
      {"tls-curve-preferences", "X25519,P-999", "is no key exchange of this TLS library"},
      {"tls-curve-preferences", "29,CurveX25519", "is listed twice"},
      {"tls-cipher-suites", "TLS_RSA_WITH_AES_128_GCM_SHA256", "lacks forward secrecy"},
      {"tls-cipher-suites", "ECDHE-RSA-AES128-GCM-SHA256", "expected the name of a cipher suite"},
      {"tls-cipher-suites",
       "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265",
       "did you mean \"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"?"},
      {"tls-sni-cert-key", "cert", "expected CERT,KEY"},
      {"tls-sni-cert-key", "cert,key:", "a name is empty"},
      {"tls-sni-cert-key", "cert,key,more", "expected CERT,KEY"},
      {"client-cert-mode",
       "required",
       "expected require or request, found \"required\", did you mean \"require\"?"},
      {"client-cert-mode", "off", "expected require or request"},
      {"upstream", "10.0.0.1:6443", "expected a URL such as https://10.0.0.1:6443"},
      {"upstream", "https://", "no user, path or query"},
      {"upstream", "https://a/b", "no user, path or query"},
      {"upstream", "https://user@a", "no user, path or query"},
      {"upstream", "https://a?x", "no user, path or query"},
      {"upstream", "https://a:0", "a host and a port are needed"},
      {"upstream", "https://:443", "a host and a port are needed"},
      {"upstream", "https://a:port", "expected a port"},
      {"upstream", "https://::1", "IPv6 address in brackets"},
      {"upstream", "http://a:1", "is not https; allow-plaintext-upstream would accept it"},
      {"upstream-server-name", "", "expected a host name or an address"},
      {"upstream-server-name", "a/b", "expected a host name or an address"},
      {"authorization-mode",
       "rbac",
       "expected Node, RBAC or AlwaysAllow, found \"rbac\", did you mean \"RBAC\"?"},
      {"authorization-mode", "RBAC,", "expected Node, RBAC or AlwaysAllow, found \"\""},
      {"authorization-mode", "RBAC,RBAC", "\"RBAC\" is given twice"},
      {"enable-admission-plugins", "AlwaysPullImages", "expected NodeRestriction"},
      {"requestheader-username-headers", "X User", "expected the name of a header"},
      {"admin-listen",
       "0.0.0.0:9440",
       "is not a loopback address; admin-allow-remote would accept it"},
      {"admin-listen", "[::]:9440", "is not a loopback address"},
      {"admin-listen", "on", "expected HOST:PORT"},
      {"handshake-timeout", "10", "expected a duration such as \"30s\""},
      {"handshake-timeout", "0s", "expected a duration from 100ms to 24h0m0s"},
      {"ticket-lifetime", "169h", "expected a duration of whole seconds from 0s to 168h0m0s"},
      {"ticket-lifetime", "1500ms", "expected a duration of whole seconds"},
      {"ticket-lifetime", "-1s", "expected a duration of whole seconds"},
      {"ticket-lifetime", "12", "expected a duration of whole seconds"},
      {"resumption-lineage-max", "721h", "expected a duration of whole seconds from 0s to 720h0m0s"
      },
      {"session-ticket-rotate-interval", "0s", "expected a duration of whole seconds from 1s"},
      {"session-ticket-key-file", "", "expected a path, found nothing"},
      {"idle-timeout", "48h", "expected a duration from 100ms to 24h0m0s"},
      {"head-timeout", "-1s", "expected a duration from 100ms"},
      {"shutdown-timeout", "1d", "expected a duration such as"},
      {"log-format", "xml", "expected text or json"},
      {"v", "11", "expected a whole number from 0 to 10"},
      {"policy", "", "expected a path, found nothing"},
      {"tls-cert-file", "", "expected a path, found nothing"},
  };

  for (const auto& bad : cases) {
    const Loaded loaded = load_with({flag(bad.option, {bad.value})});
    ASSERT_EQ(loaded.problems.size(), 1u) << bad.option << "=" << bad.value << "\n"
                                          << text_of(loaded.problems);
    EXPECT_NE(loaded.problems[0].text.find(bad.text), std::string::npos)
        << text_of(loaded.problems);
    EXPECT_EQ(loaded.problems[0].where, "--" + std::string(bad.option)) << text_of(loaded.problems);
  }
}

TEST(Config, good_values_of_every_kind_are_taken) {
  const Loaded loaded = load_with({
      flag("listen", {":6443", "[::1]:8443", "localhost:0"}),
      flag("workers", {"4"}),
      flag("road", {"epoll"}),
      flag("pin-workers", {"false"}),
      flag("tls-sni-cert-key", {"a.crt,a.key:a.example.org,*.b.example.org", "c.crt,c.key"}),
      flag("tls-min-version", {"VersionTLS13"}),
      flag("tls-cipher-suites", {"TLS_AES_128_GCM_SHA256"}),
      flag("upstream", {"https://a", "https://[::1]:6443/", "http://127.0.0.1:8080"}),
      flag("allow-plaintext-upstream", {"true"}),
      flag("admin-listen", {":9999"}),
      flag("idle-timeout", {"1m30s"}),
      flag("shutdown-timeout", {"0"}),
      flag("access-log", {"-"}),
  });
  const Config& config = loaded.config;
  ASSERT_EQ(text_of(loaded.problems), "");
  EXPECT_EQ(config.listen[0].host, "");
  EXPECT_EQ(config.listen[1].host, "::1");
  EXPECT_FALSE(config.pin_workers);
  EXPECT_EQ(
      config.tls_sni_cert_key[0].names,
      (std::vector<std::string>{"a.example.org", "*.b.example.org"})
  );
  EXPECT_TRUE(config.tls_sni_cert_key[1].names.empty());
  EXPECT_EQ(config.upstream[0].at.to_string(), "a:443");
  EXPECT_EQ(config.upstream[1].url, "https://[::1]:6443");
  EXPECT_EQ(config.upstream[1].at.host, "::1");
  EXPECT_FALSE(config.upstream[2].tls);
  EXPECT_EQ(config.admin_listen.to_string(), "127.0.0.1:9999");
  EXPECT_EQ(config.idle_timeout, std::chrono::seconds(90));
  EXPECT_EQ(config.shutdown_timeout, Duration(0));
}

TEST(Config, what_is_missing_is_told_all_at_once) {
  const Loaded loaded = load_config({});
  std::vector<std::string> texts;
  for (const Fault& problem : loaded.problems)
    texts.push_back(problem.text.substr(0, problem.text.find(' ')));
  EXPECT_EQ(
      texts,
      (std::vector<std::string>{
          "listen", "tls-cert-file", "tls-private-key-file", "client-ca-file", "upstream", "policy"
      })
  );
}

TEST(Config, plaintext_upstreams_need_no_certificates) {
  const Loaded loaded = load_with(
      {flag("upstream", {"http://127.0.0.1:1"}), flag("allow-plaintext-upstream", {"true"})},
      {"upstream-ca-file", "proxy-client-cert-file", "proxy-client-key-file"}
  );
  EXPECT_EQ(text_of(loaded.problems), "");
}

TEST(Config, always_allow_needs_no_policy) {
  EXPECT_EQ(
      text_of(load_with({flag("authorization-mode", {"AlwaysAllow"})}, {"policy"}).problems), ""
  );
  EXPECT_EQ(load_with({}, {"policy"}).problems.size(), 1u);
}

TEST(Config, only_tls13_suites_without_tls13_as_minimum_are_a_problem) {
  EXPECT_EQ(load_with({flag("tls-cipher-suites", {"TLS_AES_128_GCM_SHA256"})}).problems.size(), 1u);
  const std::vector<std::string> names = {
      "TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
  };
  EXPECT_EQ(openssl_cipher_list(names), "ECDHE-RSA-AES128-GCM-SHA256");
}

TEST(Config, a_bad_value_does_not_also_count_as_missing) {
  EXPECT_EQ(load_with({flag("listen", {"x"})}).problems.size(), 1u);
}

// ---- the file ----

Loaded load_file(
    const TemporaryFolder& folder, const std::string& text, std::vector<Setting> more = {}
) {
  more.push_back(flag("config", {folder.write("config.yaml", text)}));
  return load_config(more);
}

constexpr const char* whole_file =
    "listen: [\"127.0.0.1:8443\"]\n"
    "tls-cert-file: tls/server.crt\n"
    "tls-private-key-file: /abs/server.key\n"
    "client-ca-file: ca.crt\n"
    "upstream:\n  - https://a:1\n  - https://b:2\n"
    "upstream-ca-file: uca.crt\n"
    "proxy-client-cert-file: p.crt\n"
    "proxy-client-key-file: p.key\n"
    "policy: ../policy\n";

TEST(ConfigFile, relative_paths_start_at_its_folder) {
  const TemporaryFolder folder;
  const Loaded loaded = load_file(folder, std::string(whole_file) + "access-log: \"-\"\n");
  ASSERT_EQ(text_of(loaded.problems), "");
  EXPECT_EQ(loaded.config.tls_cert_file, folder.at("tls/server.crt"));
  EXPECT_EQ(loaded.config.tls_private_key_file, "/abs/server.key");
  EXPECT_EQ(loaded.config.policy[0], (folder.path().parent_path() / "policy").string());
  EXPECT_EQ(loaded.config.access_log, "-");
}

TEST(ConfigFile, a_flag_wins_and_replaces_a_list_whole) {
  const TemporaryFolder folder;
  const Loaded loaded = load_file(
      folder,
      std::string(whole_file) + "workers: 2\n",
      {flag("workers", {"3"}), flag("upstream", {"https://c:3"})}
  );
  ASSERT_EQ(text_of(loaded.problems), "");
  EXPECT_EQ(loaded.config.workers, 3u);
  ASSERT_EQ(loaded.config.upstream.size(), 1u);
  EXPECT_EQ(loaded.config.upstream[0].url, "https://c:3");
  EXPECT_EQ(loaded.config.origin.at("workers"), "--workers");
  EXPECT_EQ(loaded.config.origin.at("listen"), folder.at("config.yaml") + ":1");
}

TEST(ConfigFile, a_bad_value_that_a_flag_overrides_is_still_a_problem) {
  const TemporaryFolder folder;
  EXPECT_EQ(
      load_file(folder, std::string(whole_file) + "workers: x\n", {flag("workers", {"3"})})
          .problems.size(),
      1u
  );
}

TEST(ConfigFile, problems_carry_file_and_line) {
  const TemporaryFolder folder;
  const std::string file = folder.at("config.yaml");

  const struct {
    const char* text;
    const char* problem;
    int line;  // 0: none
  } cases[] = {
      {"tls-certfile: x\n", "unknown key \"tls-certfile\", did you mean \"tls-cert-file\"?", 1},
      {"\ntlsCertFile: x\n", "did you mean \"tls-cert-file\"?", 2},
      {"zzzzzz: x\n", "unknown key \"zzzzzz\"", 1},
      {"config: x\n", "unknown key \"config\"", 1},
      {"workers: 1\nworkers: 2\n", "\"workers\" is here twice, first at ", 2},
      {"workers:\n  - 1\n", "expected a value, found a sequence", 2},
      {"workers: {a: b}\n", "expected a value, found a mapping", 1},
      {"workers:\n", "expected a value, found nothing", 1},
      {"pin-workers: on\n", "expected true or false, found \"on\"", 1},
      {"listen:\n  - \"a:1\"\n  - \"a:x\"\n", "expected a port", 3},
      {"listen:\n  - \"a:1\"\n  - [b]\n", "expected a value, found a sequence", 3},
      {"# c\n\nhead-timeout: 5\n", "expected a duration", 3},
      {"[a, b]\n", "expected \"name: value\" lines", 1},
      {"just text\n", "expected \"name: value\" lines", 1},
      {"? [a]\n: b\n", "expected the name of an option as key", 1},
      {"workers: 1\n---\nworkers: 2\n", "expected one YAML document", 2},
      {", \"x\"]\nworkers: 1\n", "text that is not YAML", 1},
      {"workers: 1\n]\nroad: auto\n", "not YAML", 2},
      {"workers: 1\n%x\n", "a line begins with %", 0},
      {"workers: [1\n", "not YAML", 2},
      {"\tworkers: 1\n", "not YAML", 1},
      {"workers: *nobody\n", "not YAML", 1},
  };

  for (const auto& bad : cases) {
    std::vector<Fault> problems;
    for (const Setting& setting : parse_config_text(bad.text, file, problems)) {
      Config config;
      for (const SettingValue& value : setting.values) {
        const auto taken = find_option(setting.name)->take(config, value.text, "");
        if (!taken) problems.push_back({setting.name + ": " + taken.error(), value.where});
      }
    }
    ASSERT_EQ(problems.size(), 1u) << bad.text << text_of(problems);
    EXPECT_NE(problems[0].text.find(bad.problem), std::string::npos)
        << bad.text << text_of(problems);
    const std::string where = bad.line == 0 ? file : file + ":" + std::to_string(bad.line);
    EXPECT_EQ(problems[0].where, where) << bad.text << text_of(problems);
  }
}

TEST(ConfigFile, all_problems_are_told_not_only_the_first) {
  const TemporaryFolder folder;
  const Loaded loaded =
      load_file(folder, std::string(whole_file) + "workers: x\nroad: y\nnobody: z\n");
  EXPECT_EQ(loaded.problems.size(), 3u) << text_of(loaded.problems);
}

TEST(ConfigFile, a_missing_file_a_folder_and_an_empty_file_are_told_apart) {
  const TemporaryFolder folder;
  const auto problem_of = [](const std::string& file) {
    return text_of(load_config({flag("config", {file})}).problems);
  };
  EXPECT_NE(problem_of(folder.at("none")).find("No such file"), std::string::npos);
  EXPECT_NE(problem_of(folder.path().string()).find("found a folder"), std::string::npos);
  EXPECT_NE(problem_of(folder.write("empty", "")).find("listen is needed"), std::string::npos);
}

TEST(ConfigFile, a_huge_file_is_refused) {
  const TemporaryFolder folder;
  const std::string file = folder.write("huge", "#" + std::string(2 * 1024 * 1024, 'x'));
  EXPECT_NE(
      text_of(load_config({flag("config", {file})}).problems).find("is larger than"),
      std::string::npos
  );
}

TEST(ConfigFile, the_rendered_configuration_reads_back_the_same) {
  const TemporaryFolder folder;
  const Loaded first = load_file(
      folder,
      std::string(whole_file) +
          "tls-sni-cert-key: [\"a b.crt,a.key:x.org\"]\naccess-log: \"we\\\"ird\\x01\"\n",
      {flag("admin-listen", {"off"})}
  );
  ASSERT_EQ(text_of(first.problems), "");
  const std::string text = render_config(first.config);
  const std::string file = folder.write("again.yaml", text);
  const Loaded second = load_config({flag("config", {file})});
  ASSERT_EQ(text_of(second.problems), "") << text;
  for (const Option& option : options()) {
    if (option.name == "config") continue;
    EXPECT_EQ(option.show(first.config), option.show(second.config)) << option.name;
  }
}

TEST(Config, interval_of_rotation_is_for_keys_made_here_only) {
  const Loaded loaded = load_with(
      {flag("session-ticket-key-file", {"keys"}), flag("session-ticket-rotate-interval", {"1h"})}
  );
  ASSERT_EQ(loaded.problems.size(), 1u) << text_of(loaded.problems);
  EXPECT_NE(loaded.problems[0].text.find("keys made here"), std::string::npos);
}

// ---- the dpdk road ----

constexpr const char* good_port =
    R"({"device": "eth1", "addresses": ["10.0.0.2/24", "2001:db8::2/64"], "routes": ["default via 10.0.0.1"], "mtu": 9000, "vlan": 12})";

TEST(ConfigDpdk, a_port_reads_back_as_it_was_written) {
  const auto port = parse_dpdk_port(good_port);
  ASSERT_TRUE(port) << port.error();
  EXPECT_EQ(port->device, "eth1");
  EXPECT_EQ(port->addresses.size(), 2u);
  EXPECT_EQ(port->routes.front().to.bits(), 96u);
  EXPECT_EQ(port->mtu, 9000);
  EXPECT_EQ(port->vlan, 12);
  const auto again = parse_dpdk_port(show_dpdk_port(*port));
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(show_dpdk_port(*again), show_dpdk_port(*port));
}

TEST(ConfigDpdk, a_bad_port_is_told) {
  const struct {
    const char* json;
    const char* text;
  } cases[] = {
      {"eth1", "expected a JSON object"},
      {R"({"addresses": ["10.0.0.2/24"]})", "expected an interface, a PCI address"},
      {R"({"device": "-x"})", "expected an interface"},
      {R"({"device": "a", "addresses": ["10.0.0.2"]})", "expected an address with its prefix"},
      {R"({"device": "a", "addresses": ["10.0.0.2/33"]})", "expected an address with its prefix"},
      {R"({"device": "a", "routes": ["10.0.0.1"]})", "expected a route such as"},
      {R"({"device": "a", "routes": ["::/0 via 10.0.0.1"]})", "expected a route such as"},
      {R"({"device": "a", "mtu": 70000})", "expected a number as mtu"},
      {R"({"device": "a", "mtu": -1})", "expected a number as mtu"},
      {R"({"device": "a", "color": "red"})", "expected device, addresses, routes, mtu or vlan"},
      {R"({"device": "a", "device": "b"})", "is there twice"},
      {R"({"device": ["a"]})", "expected a text as device"},
  };

  for (const auto& each : cases) {
    const auto port = parse_dpdk_port(each.json);
    ASSERT_FALSE(port) << each.json;
    EXPECT_NE(port.error().find(each.text), std::string::npos) << each.json << ": " << port.error();
  }
}

TEST(ConfigDpdk, the_section_is_the_options_of_its_name) {
  std::vector<Fault> problems;
  const auto settings = parse_config_text(
      "dpdk:\n  ports:\n    - device: eth1\n      addresses: [10.0.0.2/24]\n      mtu: 9000\n"
      "  frames: 5000\n  busy-poll: true\n",
      "f",
      problems
  );
  EXPECT_EQ(text_of(problems), "");
  ASSERT_EQ(settings.size(), 3u);
  EXPECT_EQ(settings[0].name, "dpdk-ports");
  EXPECT_EQ(parse_dpdk_port(settings[0].values[0].text)->mtu, 9000);
  EXPECT_EQ(settings[1].name, "dpdk-frames");
  EXPECT_EQ(settings[2].name, "busy-poll");
  parse_config_text("dpdk: yes\n", "f", problems);
  parse_config_text("dpdk:\n  prots: []\n", "f", problems);
  parse_config_text("dpdk:\n  dpdk: {ports: []}\n", "f", problems);
  EXPECT_EQ(problems.size(), 3u);
  EXPECT_NE(text_of(problems).find("dpdk-ports"), std::string::npos) << "no suggestion";
}

TEST(ConfigDpdk, ports_and_road_go_together) {
  const auto without = load_with({flag("road", {"dpdk"})});
  EXPECT_NE(text_of(without.problems).find("dpdk-ports is needed"), std::string::npos);
  const auto useless = load_with({flag("dpdk-ports", {good_port})});
  EXPECT_NE(text_of(useless.problems).find("of no use without road dpdk"), std::string::npos);
}

TEST(ConfigFile, the_example_has_every_key_and_reads_well) {
  std::vector<Fault> problems;
  const std::string file = tests_dir() + "/../examples/config.yaml";
  const auto text = read_file(file, 1 << 20);
  ASSERT_TRUE(text);
  EXPECT_EQ(text_of(load_config({flag("config", {file})}).problems), "");
  for (const Option& option : options()) {
    if (option.name == "config") continue;
    EXPECT_NE(text->find(std::string(option.name) + ":"), std::string::npos) << option.name;
  }
  std::string uncommented;  // every default there is a good value
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const bool key = line.starts_with("# ") && line.size() > 2 && line[2] != '-' &&
                     line[2] != ' ' && line.find(": ") != line.npos;
    if (key && find_option(line.substr(2, line.find(':') - 2)) != nullptr) line = line.substr(2);
    uncommented += line + "\n";
  }
  const auto settings = parse_config_text(uncommented, "uncommented", problems);
  EXPECT_GT(settings.size(), 20u);
}

TEST(Suggest, a_typing_error_finds_its_word_and_nonsense_does_not) {
  EXPECT_EQ(nearest("lisen", option_names()), "listen");
  EXPECT_EQ(nearest("upstreem", option_names()), "upstream");
  EXPECT_EQ(nearest("client_ca_file", option_names()), "client-ca-file");
  EXPECT_EQ(nearest("wokrers", option_names()), "workers");
  EXPECT_EQ(nearest("qqqqqqqq", option_names()), "");
  EXPECT_EQ(nearest("", option_names()), "");
}

TEST(Loopback, is_told_by_literal_or_localhost) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"})
    EXPECT_TRUE(is_loopback({host, 1})) << host;
  for (const char* host :
       {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.example.org", "::ffff:10.0.0.1", ""}) {
    EXPECT_FALSE(is_loopback({host, 1})) << host;
  }
}

}  // namespace
}  // namespace gh::control
