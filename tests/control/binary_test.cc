// SPDX-License-Identifier: Apache-2.0
// The program itself: exit codes, what it says, and its life from the start to a signal.
#include "base/buffer_pool.h"
#include "base/byte_queue.h"
#include "tests/control/loopback_client.h"
#include "tests/control/temporary_folder.h"
#include "tests/control/test_certificates.h"
#include "tests/support/tests_dir.h"
#include "tls/context.h"
#include "tls/engine.h"
#include "tls/library.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace gh::control {
namespace {

// A child with its output; both streams in one text.
class Program {
 public:
  explicit Program(std::vector<std::string> words) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], 1);
      dup2(ends[1], 2);
      words.insert(words.begin(), GH_BINARY);
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      execv(GH_BINARY, arguments.data());
      _exit(127);
    }
    close(ends[1]);
    out_ = ends[0];
  }

  ~Program() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(out_);
  }

  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) { kill(pid_, number); }

  // Reads on until the output holds `text`; false when it ended without, or nothing came for a
  // minute.
  bool says(const std::string& text) {
    while (said_.find(text, seen_) == said_.npos) {
      if (!read_some()) return false;
    }
    seen_ = said_.find(text, seen_) + text.size();
    return true;
  }

  int exit_code() {
    while (read_some()) {
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const std::string& said() const { return said_; }

 private:
  bool read_some() {
    pollfd wait{out_, POLLIN, 0};
    char buffer[4096];
    if (poll(&wait, 1, 60'000) <= 0) return false;
    const ssize_t n = read(out_, buffer, sizeof buffer);
    if (n > 0) said_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  pid_t pid_ = -1;
  int out_ = -1;
  std::string said_;
  std::size_t seen_ = 0;
};

struct Said {
  int code;
  std::string text;
};

Said run(std::vector<std::string> words) {
  Program program(std::move(words));
  const int code = program.exit_code();
  return {code, program.said()};
}

const std::string examples = tests_dir() + "/../examples";

class BinaryTest : public testing::Test {
 protected:
  BinaryTest() {
    folder_.write("tls.crt", pem::server_crt);
    folder_.write("tls.key", pem::server_key);
    folder_.write("ca.crt", pem::ca_crt);
    for (const char* name : {"alice.yaml", "bindings.yaml", "roles.yaml", "system.yaml"}) {
      std::filesystem::create_directories(folder_.path() / "policy");
      std::filesystem::copy_file(examples + "/policy/" + name, folder_.path() / "policy" / name);
    }
  }

  std::vector<std::string> flags(std::string command, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {
        std::move(command),
        "--listen",
        "127.0.0.1:0",
        "--tls-cert-file",
        folder_.at("tls.crt"),
        "--tls-private-key-file",
        folder_.at("tls.key"),
        "--client-ca-file",
        folder_.at("ca.crt"),
        "--upstream",
        "http://127.0.0.1:9",
        "--allow-plaintext-upstream",
        "--policy",
        folder_.at("policy"),
        "--workers",
        "2",
        "--admin-listen",
        "127.0.0.1:0",
        "--shutdown-timeout",
        "1s",
    };
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // The number after "address=127.0.0.1:" of the line that says `what`.
  static std::uint16_t port_of(const Program& program, const std::string& what) {
    const std::string before = what + " address=127.0.0.1:";
    const auto at = program.said().find(before);
    return at == std::string::npos
               ? std::uint16_t(0)
               : static_cast<std::uint16_t>(std::stoi(program.said().substr(at + before.size())));
  }

  static std::string page(std::uint16_t port, const std::string& path) {
    LoopbackClient client(port);
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.read_until_close();
  }

  TemporaryFolder folder_;
};

TEST_F(BinaryTest, exit_codes_tell_usage_from_configuration) {
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"--help"}).code, 0);
  EXPECT_EQ(run({"serve", "--help"}).code, 0);
  EXPECT_EQ(run({"version"}).code, 0);
  EXPECT_EQ(run({"help", "--man"}).code, 0);
  EXPECT_EQ(run({"serv"}).code, 2);
  EXPECT_EQ(run({"serve", "--nonsense"}).code, 2);
  EXPECT_EQ(run({"serve"}).code, 1);
  EXPECT_EQ(run({"check"}).code, 1);
  EXPECT_EQ(run({"serve", "--config", "/no/such/file"}).code, 1);
  EXPECT_EQ(run({"conformance", "rbac", "/no/such/file"}).code, 2);
  EXPECT_EQ(run({"conformance", "rbca", "/no/such/file"}).code, 2);
  EXPECT_EQ(
      run({"conformance", "rbac", folder_.write("x.json", "{\"format\": \"other\"}")}).code, 2
  );
  EXPECT_EQ(run({"verify", "--ca", "/none", "--chain", "/none", "--time", "1"}).code, 2);
}

TEST_F(BinaryTest, explain_exits_by_its_verdict) {
  const std::vector<std::string> question = {
      "explain",
      "--policy",
      folder_.at("policy"),
      "--user",
      "alice",
      "-n",
      "demo",
      "--resource",
      "pods",
      "--verb"
  };
  const auto ask = [&](const char* verb) {
    std::vector<std::string> words = question;
    words.push_back(verb);
    return run(words).code;
  };
  EXPECT_EQ(ask("list"), 0);
  EXPECT_EQ(ask("delete"), 1);
  EXPECT_EQ(
      run({"explain", "--policy", "/none", "--user", "u", "--verb", "get", "--path", "/"}).code, 2
  );
}

TEST_F(BinaryTest, verify_judges_a_chain) {
  const std::vector<std::string> words = {
      "verify",
      "--ca",
      folder_.at("ca.crt"),
      "--chain",
      folder_.at("tls.crt"),
      "--time",
      "1800000000",
      "--purpose"
  };
  const auto judge = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    return run(more).code;
  };
  EXPECT_EQ(judge({"server"}), 0);
  EXPECT_EQ(judge({"server", "--name", "DNS:gate.test"}), 0);
  EXPECT_EQ(judge({"server", "--name", "DNS:other.test"}), 1);
  EXPECT_EQ(judge({"client"}), 1);
}

TEST_F(BinaryTest, check_finds_nothing_wrong_with_a_good_set_and_tells_all_of_a_bad_one) {
  const Said good = run(flags("check"));
  EXPECT_EQ(good.code, 0) << good.text;
  EXPECT_NE(good.text.find("no problem found"), std::string::npos) << good.text;
  folder_.write("tls.key", pem::server2_key);
  folder_.write("ca.crt", pem::expired_ca_crt);
  folder_.write("policy/bad.yaml", "kind: ClusterRole\nmetadata: 1\n");
  const Said bad = run(flags("check", {"--workers", "x"}));
  EXPECT_EQ(bad.code, 1);
  for (const char* text :
       {"workers: expected a whole number", "tls.key: ", "ca.crt: ", "bad.yaml:", "4 problems"}) {
    EXPECT_NE(bad.text.find(text), std::string::npos) << text << "\n" << bad.text;
  }
}

TEST_F(BinaryTest, check_tells_each_kind_of_bad_certificate_file) {
  const auto problem_with = [&](const char* file, std::string_view text) {
    const std::string before = *[&]() -> std::optional<std::string> {
      std::ifstream in(folder_.at(file));
      return std::string(std::istreambuf_iterator<char>(in), {});
    }();
    folder_.write(file, text);
    const Said said = run(flags("check"));
    folder_.write(file, before);
    EXPECT_EQ(said.code, 1) << file << "\n" << said.text;
    EXPECT_NE(said.text.find(file), std::string::npos) << said.text;
  };
  for (const char* file : {"tls.crt", "tls.key", "ca.crt"}) {
    problem_with(file, "");
    problem_with(file, "rubbish");
    problem_with(file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  }
  problem_with("tls.crt", pem::expired_crt);
  std::filesystem::remove(folder_.at("ca.crt"));
  EXPECT_EQ(run(flags("check")).code, 1);
}

TEST_F(BinaryTest, serves_until_sigterm_and_becomes_ready) {
  Program gate(flags("serve"));
  ASSERT_TRUE(gate.says("admin listening address=")) << gate.said();
  const std::uint16_t admin = port_of(gate, "admin listening");
  EXPECT_TRUE(page(admin, "/livez").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(page(admin, "/readyz").starts_with("HTTP/1.1 200 "))
      << page(admin, "/readyz?verbose");
  EXPECT_NE(page(admin, "/metrics").find("\ngatehouse_policy_generation 1\n"), std::string::npos);
  EXPECT_NE(page(admin, "/debug/config").find("workers: \"2\"  # --workers"), std::string::npos);
  EXPECT_TRUE(LoopbackClient(port_of(gate, "INFO listening")).connected());
  gate.signal(SIGTERM);
  EXPECT_EQ(gate.exit_code(), 0) << gate.said();
}

TEST_F(BinaryTest, policy_is_read_again_when_it_changes_and_on_sighup) {
  Program gate(flags("serve", {"--v", "1"}));
  ASSERT_TRUE(gate.says("admin listening address=")) << gate.said();
  folder_.replace("policy/alice.yaml", "# nobody\n");
  EXPECT_TRUE(gate.says("policy in force generation=2")) << gate.said();
  folder_.replace("policy/bindings.yaml", "kind: [\n");
  EXPECT_TRUE(gate.says(
      "policy refused, the one in force stays generation=2 where=" +
      folder_.at("policy/bindings.yaml:")
  )) << gate.said();
  gate.signal(SIGHUP);
  EXPECT_TRUE(gate.says("why=SIGHUP")) << gate.said();
  gate.signal(SIGINT);
  EXPECT_EQ(gate.exit_code(), 0) << gate.said();
}

TEST_F(BinaryTest, a_port_in_use_is_a_clear_error_also_by_another_gatehouse) {
  Program gate(flags("serve"));
  ASSERT_TRUE(gate.says("admin listening address=")) << gate.said();
  const std::string port = std::to_string(port_of(gate, "INFO listening"));
  const Said second = run(flags("serve", {"--listen", "127.0.0.1:" + port}));
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.text.find("127.0.0.1:" + port + " is already in use"), std::string::npos)
      << second.text;
  const std::string admin = std::to_string(port_of(gate, "admin listening"));
  EXPECT_EQ(run(flags("serve", {"--admin-listen", "127.0.0.1:" + admin})).code, 1);
}

TEST_F(BinaryTest, does_not_start_with_anything_wrong_and_says_what) {
  folder_.write("tls.key", pem::server2_key);
  std::filesystem::remove_all(folder_.at("policy"));
  const Said said = run(flags("serve", {"--upstream", "http://no-such-host.invalid:1"}));
  EXPECT_EQ(said.code, 1);
  for (const char* text : {"tls.key: ", "/policy: ", "no-such-host.invalid"}) {
    EXPECT_NE(said.text.find(text), std::string::npos) << text << "\n" << said.text;
  }
}

// ---- session tickets ----

class TicketTest : public BinaryTest {
 protected:
  TicketTest() {
    tls::ClientSettings settings;
    settings.trust = *tls::TrustStore::from_pem(pem::ca_crt);
    settings.certificate = {
        std::string(pem::alice_crt), std::string(pem::alice_key), "alice.crt", "alice.key", {}
    };
    settings.server_name = "gate.test";
    settings.alpn = {tls::Alpn::http_1_1};
    settings.resume = true;
    for (const auto version : {tls::ProtocolVersion::tls_1_2, tls::ProtocolVersion::tls_1_3}) {
      settings.protocol.version_min = settings.protocol.version_max = version;
      clients_.push_back(*tls::ClientContext::make(settings, wall_now()));
    }
  }

  enum class Way { failed, full, resumed };

  // A connection with one request; keeps the ticket it brought.
  Way connect(tls::ClientContext& client, std::uint16_t port) {
    LoopbackClient socket(port);
    ByteQueue out(pool_);
    auto engine = tls::Engine::make_client(client, out);
    const auto send = [&] {
      for (; !out.empty(); out.pop(out.front().size())) {
        if (!socket.send(as_text(out.front()))) return;
      }
    };
    bool asked = false;
    for (;;) {
      send();
      const std::string piece = socket.read_some();
      if (piece.empty() || !engine->on_ciphertext(as_bytes(piece), wall_now())) return Way::failed;
      if (!engine->established()) continue;
      if (!asked) {
        asked = true;
        static_cast<void>(engine->write(as_bytes("GET /api HTTP/1.1\r\nHost: gate.test\r\n\r\n")));
      }
      std::uint8_t plain[4096];
      const auto n = engine->read(plain);
      if (!n) return Way::failed;
      if (*n > 0) return engine->resumed() ? Way::resumed : Way::full;
    }
  }

  void expect_both(std::uint16_t port, Way way) {
    for (auto& client : clients_) EXPECT_EQ(connect(*client, port), way);
  }

  // 80 bytes; another key for each number.
  static std::string key(char number) {
    std::string out;
    for (int i = 0; i < 80; ++i) out.push_back(static_cast<char>(i * 37 + number * 91));
    return out;
  }

  std::string key_file(const std::string& name, char number) {
    folder_.write(name, key(number));
    std::filesystem::permissions(folder_.at(name), std::filesystem::perms::owner_read);
    return folder_.at(name);
  }

  std::uint16_t started(Program& gate) {
    EXPECT_TRUE(gate.says("admin listening address=")) << gate.said();
    return port_of(gate, "INFO listening");
  }

  BufferPool pool_;
  std::vector<std::unique_ptr<tls::ClientContext>> clients_;
};

TEST_F(TicketTest, replica_accepts_tickets_of_another_with_the_same_key_file) {
  const std::string file = key_file("ticket.key", 1);
  Program one(flags("serve", {"--session-ticket-key-file", file}));
  Program two(flags("serve", {"--session-ticket-key-file", file}));
  const std::uint16_t first = started(one), second = started(two);
  expect_both(first, Way::full);
  expect_both(second, Way::resumed);
  expect_both(first, Way::resumed);
  EXPECT_NE(
      page(port_of(two, "admin listening"), "/metrics")
          .find("gatehouse_handshakes_total{kind=\"resumed\",version=\"TLSv1.3\",result=\"ok\"} 1"),
      std::string::npos
  );
}

TEST_F(TicketTest, replica_with_keys_of_its_own_shakes_hands_in_full) {
  Program one(flags("serve")), two(flags("serve"));
  const std::uint16_t first = started(one), second = started(two);
  expect_both(first, Way::full);
  expect_both(first, Way::resumed);
  expect_both(second, Way::full);
}

TEST_F(TicketTest, keys_of_a_mounted_secret_are_rotated_while_it_runs) {
  // AWS-LC gives no new ticket when it resumes TLS 1.2, so one dies with its key.
  if (tls::library_version().starts_with("AWS-LC")) clients_.erase(clients_.begin());
  const auto version = [&](const std::string& name, const std::string& keys) {
    for (const char number : keys) key_file("keys/.." + name + "/" + number, number);
    std::filesystem::create_symlink(".." + name, folder_.path() / "keys/..data_tmp");
    std::filesystem::rename(folder_.path() / "keys/..data_tmp", folder_.path() / "keys/..data");
    for (const char number : keys) {
      const auto link = folder_.path() / "keys" / std::string(1, number);
      std::error_code there;
      std::filesystem::create_symlink("..data/" + std::string(1, number), link, there);
    }
  };
  version("a", "12");
  Program gate(flags("serve", {"--session-ticket-key-file", folder_.at("keys")}));
  const std::uint16_t port = started(gate);
  expect_both(port, Way::full);  // sealed with 1
  version("b", "123");
  ASSERT_TRUE(gate.says("certificates in force changed=session_ticket_keys")) << gate.said();
  expect_both(port, Way::resumed);  // and sealed with 2 from now on
  std::filesystem::remove(folder_.path() / "keys/1");
  ASSERT_TRUE(gate.says("certificates in force changed=session_ticket_keys")) << gate.said();
  expect_both(port, Way::resumed);
  version("c", "456");
  for (const char* gone : {"keys/2", "keys/3"}) std::filesystem::remove(folder_.path() / gone);
  gate.signal(SIGHUP);
  ASSERT_TRUE(gate.says("certificates in force changed=session_ticket_keys")) << gate.said();
  // The links may have been seen one by one; the key of these tickets is gone in the end.
  gate.signal(SIGTERM);
  EXPECT_EQ(gate.exit_code(), 0) << gate.said();
}

TEST_F(TicketTest, bad_keys_are_refused_at_the_start_and_change_nothing_later) {
  const Said said = run(flags("serve", {"--session-ticket-key-file", folder_.write("short", "k")}));
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.text.find("short"), std::string::npos) << said.text;
  const std::string file = key_file("ticket.key", 1);
  Program gate(flags("serve", {"--session-ticket-key-file", file}));
  const std::uint16_t port = started(gate);
  expect_both(port, Way::full);
  folder_.replace("ticket.key", key(1).substr(32));
  ASSERT_TRUE(gate.says("reload refused, what was in force stays")) << gate.said();
  expect_both(port, Way::resumed);
}

TEST_F(TicketTest, check_warns_of_keys_that_others_may_read) {
  const std::string file = key_file("ticket.key", 1);
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  const Said said = run(flags("check", {"--session-ticket-key-file", file}));
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_NE(said.text.find("others than its owner"), std::string::npos) << said.text;
}

TEST_F(TicketTest, lifetime_of_zero_means_no_tickets) {
  Program gate(flags("serve", {"--ticket-lifetime", "0s"}));
  const std::uint16_t port = started(gate);
  expect_both(port, Way::full);
  expect_both(port, Way::full);
}

TEST_F(TicketTest, keys_made_here_rotate_and_tickets_stay_good) {
  Program gate(flags("serve", {"--session-ticket-rotate-interval", "1s"}));
  const std::uint16_t port = started(gate);
  expect_both(port, Way::full);
  usleep(2'200'000);  // two rotations
  expect_both(port, Way::resumed);
}

TEST_F(TicketTest, ticket_of_a_removed_authority_opens_nothing) {
  Program gate(flags("serve"));
  const std::uint16_t port = started(gate);
  expect_both(port, Way::full);
  folder_.replace("ca.crt", pem::other_ca_crt);
  ASSERT_TRUE(gate.says("certificates in force changed=client_ca")) << gate.said();
  expect_both(port, Way::failed);
}

TEST_F(TicketTest, known_clients_are_counted_across_a_reload) {
  Program gate(flags("serve", {"--ticket-lifetime", "0s", "--workers", "1"}));
  const std::uint16_t port = started(gate);
  const std::uint16_t admin = port_of(gate, "admin listening");
  const auto lookups = [&](const std::string& result) {
    const std::string text = page(admin, "/metrics");
    const std::string row = "gatehouse_identity_cache_lookups_total{result=\"" + result + "\"} ";
    const auto at = text.find(row);
    return at == text.npos ? -1 : std::stoi(text.substr(at + row.size()));
  };
  expect_both(port, Way::full);
  EXPECT_EQ(lookups("miss"), 1);
  EXPECT_EQ(lookups("hit"), 1);
  folder_.replace("tls.crt", pem::server2_crt);
  folder_.replace("tls.key", pem::server2_key);
  ASSERT_TRUE(gate.says("certificates in force changed=serving_certificate")) << gate.said();
  expect_both(port, Way::full);
  EXPECT_EQ(lookups("hit"), 3);
  folder_.replace("ca.crt", std::string(pem::ca_crt) + std::string(pem::other_ca_crt));
  ASSERT_TRUE(gate.says("certificates in force changed=client_ca")) << gate.said();
  expect_both(port, Way::full);
  EXPECT_EQ(lookups("stale"), 1);
  EXPECT_EQ(lookups("hit"), 4);
}

}  // namespace
}  // namespace gh::control
