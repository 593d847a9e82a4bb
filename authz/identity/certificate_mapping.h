// SPDX-License-Identifier: Apache-2.0
// Rules that give a client certificate another identity than its common name: by its SPIFFE ID (SAN
// URI), a DNS name (SAN) or an organizational unit. Off without rules.
// In: a verified certificate.   Out: an identity, no rule matches (then from_certificate decides),
// or a refusal (then nothing decides: 401).
// The first rule that matches counts. What is ambiguous, or would let the certificate's holder
// write into a name what the rule did not mean, is refused, not passed on to the next rule.
// Owner: control makes it from configuration; immutable, read by all workers.
#pragma once

#include "authz/identity/identity.h"
#include "base/result.h"
#include "tls/peer_certificate.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

// As configured. In the pattern `{name}` stands for some safe characters (never a separator), with
// text before and after it if need be: one in each part of an ID between slashes, or of a DNS name
// between dots. Templates use the same names.
struct CertificateRule {
  enum class Part : std::uint8_t {
    uri,                 // spiffe://TRUST-DOMAIN/PATH: letters, digits, '.', '-', '_' are safe
    dns,                 // in lower case; letters, digits and '-' are safe
    organizational_unit  // one part; letters, digits, '.', '-', '_' are safe
  };

  Part part = Part::uri;
  std::string pattern;
  std::string user;  // template
  std::vector<std::string> groups;

  bool operator==(const CertificateRule&) const = default;
};

enum class MappingFault : std::uint8_t {
  several_uris,     // a SPIFFE certificate has exactly one
  bad_spiffe_id,    // spiffe: and not a valid ID
  several_matches,  // more than one DNS name or unit matches the rule
  unsafe_capture,   // it matches but for characters that are not safe
  reserved_name,    // a name in system: that the rule does not say
  name_too_long,
  too_many_names,
};
std::string_view name_of(MappingFault fault);

class CertificateMapping {
 public:
  CertificateMapping() = default;  // no rules

  // The error says which rule, and what was expected.
  static Result<CertificateMapping, std::string> make(std::span<const CertificateRule> rules);

  bool empty() const noexcept { return rules_.empty(); }

  // system:authenticated is not added here.
  Result<std::optional<Identity>, MappingFault> apply(const tls::PeerCertificate& certificate
  ) const;

 private:
  struct Segment {  // literal: no capture, and the whole text in `before`
    std::string before, after;
    bool captures = false;
  };

  struct Piece {
    std::string literal;
    std::optional<std::size_t> capture;  // after the literal
  };

  using Template = std::vector<Piece>;

  struct Rule {
    CertificateRule::Part part = CertificateRule::Part::uri;
    std::vector<Segment> pattern;
    Template user;
    std::vector<Template> groups;
  };

  struct Captures;
  enum class Match : std::uint8_t { no, yes, unsafe };

  static Result<Rule, std::string> compile(const CertificateRule& from);
  static Result<std::vector<Segment>, std::string> compile_pattern(
      const CertificateRule& from, std::vector<std::string>& names
  );
  static Result<Segment, std::string> compile_segment(
      std::string_view text, CertificateRule::Part part, std::vector<std::string>& names
  );
  static Result<Template, std::string> compile_template(
      std::string_view text, const std::vector<std::string>& names
  );
  static Match match(const Rule& rule, std::string_view name, Captures& captures);
  static Result<bool, MappingFault> match_uri(
      const Rule& rule, const std::vector<std::string>& uris, Captures& captures
  );
  static Result<bool, MappingFault> match_one(
      const Rule& rule, const std::vector<std::string>& names, Captures& captures
  );
  static Result<std::string, MappingFault> expand(const Template& pieces, const Captures& captures);

  std::vector<Rule> rules_;
};

}  // namespace gh::identity
