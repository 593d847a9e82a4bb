// SPDX-License-Identifier: Apache-2.0
// Throw-away certificates made in memory: authorities, intermediates, servers and clients, and
// certificates with faults. In: names and options.   Out: PEM and DER.
//   test::Authority ca("test-ca");
//   auto server = ca.server("api.test", {"127.0.0.1"});      // SANs DNS:api.test, IP:127.0.0.1
//   auto alice = ca.client("alice", {"dev", "ops"});          // CN and O
//   write(path, ca.pem()); write(path, alice.chain_pem()); write(path, alice.key_pem());
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gh::test {

enum class KeyKind : std::uint8_t { p256, p384, rsa2048, rsa1024, ed25519 };
enum class Usage : std::uint8_t { none, client, server, both, any, code_signing };

// 2026-01-01, 2025-01-01 and 2040-01-01 UTC: a time at which all is valid, and the default
// validity.
inline constexpr std::int64_t now_seconds = 1'767'225'600;
inline constexpr std::int64_t valid_from_seconds = 1'735'689'600;
inline constexpr std::int64_t valid_until_seconds = 2'208'988'800;

struct Options {
  std::string common_name = {};  // empty: none
  std::vector<std::string> organizations = {};
  std::vector<std::string> uids = {};  // 1.3.6.1.4.1.57683.2
  std::vector<std::string> dns_names = {}, ip_names = {}, uri_names = {}, mail_names = {};
  Usage usage = Usage::none;
  KeyKind key = KeyKind::p256;
  std::int64_t not_before = valid_from_seconds;
  std::int64_t not_after = valid_until_seconds;
  bool is_ca = false;
  int path_length = -1;
  bool sha1 = false;                  // sign with SHA-1
  std::string name_constraints = {};  // as in openssl.cnf:
                                      // "permitted;DNS:example.com,excluded;IP:10.0.0.0/255.0.0.0"
  bool unknown_critical = false;      // a critical extension that nobody knows
};

// A certificate with its key and the chain above it (without the root).
class Issued {
 public:
  struct Impl;                    // opaque here
  std::string pem() const;        // the certificate alone
  std::string chain_pem() const;  // it, then its intermediates
  std::string key_pem() const;    // PKCS#8
  std::vector<std::uint8_t> der() const;
  std::vector<std::vector<std::uint8_t>> chain_der() const;

 private:
  friend class Authority;
  std::shared_ptr<const Impl> impl_;
};

class Authority {
 public:
  explicit Authority(const std::string& common_name, Options options = {});  // self-signed

  Authority intermediate(const std::string& common_name, Options options = {}) const;
  Issued issue(const Options& options) const;
  Issued server(
      const std::string& dns_name, const std::vector<std::string>& ip_names = {"127.0.0.1", "::1"}
  ) const;
  Issued client(const std::string& common_name, const std::vector<std::string>& organizations = {})
      const;

  std::string pem() const { return certificate_.pem(); }

  std::vector<std::uint8_t> der() const { return certificate_.der(); }

  const Issued& certificate() const { return certificate_; }

  static Issued self(const Options& options);  // see self_signed

  // A CRL with these certificates' serial numbers.
  std::string crl_pem(const std::vector<Issued>& revoked) const;

 private:
  Authority() = default;
  Issued certificate_;
};

// A certificate signed by its own key, as a client or server would make it.
inline Issued self_signed(const Options& options) { return Authority::self(options); }

}  // namespace gh::test
