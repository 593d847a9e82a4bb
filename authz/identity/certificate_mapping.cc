// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/certificate_mapping.h"

#include "authz/identity/from_certificate.h"
#include "base/limits.h"

#include <algorithm>

namespace gh::identity {
namespace {

using Part = CertificateRule::Part;

constexpr std::string_view scheme = "spiffe://";
constexpr std::string_view reserved = "system:";
constexpr std::size_t spiffe_bytes_max = 2048;  // SPIFFE ID §2.3
constexpr std::size_t trust_domain_bytes_max = 255;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_safe(Part part, char c) {
  if (is_lower_or_digit(c) || c == '-') return true;
  return part != Part::dns && ((c >= 'A' && c <= 'Z') || c == '.' || c == '_');
}

bool all_safe(Part part, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [part](char c) { return is_safe(part, c); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

bool is_trust_domain(std::string_view text) {  // SPIFFE ID §2.1
  return !text.empty() && text.size() <= trust_domain_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_lower_or_digit(c) || c == '.' || c == '-' || c == '_';
         });
}

// SPIFFE ID §2: no port, query or fragment, no escapes, no empty or relative path segments.
bool is_spiffe_id(std::string_view text) {
  if (text.size() > spiffe_bytes_max || !text.starts_with(scheme)) return false;
  text.remove_prefix(scheme.size());
  const std::size_t slash = text.find('/');
  if (!is_trust_domain(text.substr(0, slash))) return false;
  while (!text.empty()) {
    const std::size_t end = text.find('/');
    const std::string_view segment = text.substr(0, end);
    if (segment.empty() || segment == "." || segment == ".." || !all_safe(Part::uri, segment))
      return false;
    if (end == text.npos) return true;
    text.remove_prefix(end + 1);
  }
  return false;  // a slash at the end
}

char separator_of(Part part) { return part == Part::uri ? '/' : part == Part::dns ? '.' : '\0'; }

// The parts of a name or pattern; a unit is one part.
template <class Each>  // each(part) → whether to go on
bool each_part(Part kind, std::string_view text, Each each) {
  for (;;) {
    const std::size_t end =
        kind == Part::organizational_unit ? text.npos : text.find(separator_of(kind));
    if (!each(text.substr(0, end))) return false;
    if (end == text.npos) return true;
    text.remove_prefix(end + 1);
  }
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool is_capture_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower_or_digit(c) || c == '_';
  });
}

bool has_outer_space(std::string_view text) { return text.starts_with(' ') || text.ends_with(' '); }

bool is_plain(std::string_view text) {  // goes through a header unchanged
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Names of Kubernetes' own: what follows system: comes from the rule, at least up to the next
// colon.
Result<void, std::string> check_reserved(std::string_view text, std::string_view literal) {
  if (!text.starts_with(reserved) || literal.size() == text.size()) return {};
  if (literal.size() > reserved.size() &&
      literal.find(':', reserved.size()) != std::string_view::npos)
    return {};
  return fail(
      "expected a fixed word and a colon after system: in " + quoted(text) +
      ", as in system:node:{name}"
  );
}

}  // namespace

std::string_view name_of(MappingFault fault) {
  switch (fault) {
    case MappingFault::several_uris:
      return "the certificate has more than one URI name";
    case MappingFault::bad_spiffe_id:
      return "the certificate's spiffe: name is no valid SPIFFE ID";
    case MappingFault::several_matches:
      return "more than one name of the certificate matches a mapping rule";
    case MappingFault::unsafe_capture:
      return "a name of the certificate has characters that a mapping rule does not take over";
    case MappingFault::reserved_name:
      return "a mapping rule would give a reserved name (system:) that it does not say itself";
    case MappingFault::name_too_long:
      return "a mapping rule would give a name that is too long";
    case MappingFault::too_many_names:
      return "the certificate has too many names for mapping rules";
  }
  return "";
}

struct CertificateMapping::Captures {
  std::string lowered;  // a DNS name; the texts may point into it
  std::array<std::string_view, limits::mapping_captures_max> texts;
  std::size_t count = 0;
};

// ---- compiling ----

Result<CertificateMapping::Segment, std::string> CertificateMapping::compile_segment(
    std::string_view text, Part part, std::vector<std::string>& names
) {
  Segment segment;
  const std::size_t open = text.find('{');
  const std::size_t close = text.find('}');
  segment.captures = open != text.npos && close != text.npos && open < close;
  segment.before = segment.captures ? text.substr(0, open) : text;
  if (segment.captures) {
    segment.after = text.substr(close + 1);
    std::string name(text.substr(open + 1, close - open - 1));
    if (!is_capture_name(name))
      return fail("expected a name of a-z, 0-9 and _ between braces, found " + quoted(name));
    if (std::find(names.begin(), names.end(), name) != names.end())
      return fail("{" + name + "} is there twice");
    if (names.size() == limits::mapping_captures_max)
      return fail("expected at most " + std::to_string(limits::mapping_captures_max) + " captures");
    names.push_back(std::move(name));
  }
  // A unit is free text; of the others nothing but safe characters can ever match.
  const auto good = [part](std::string_view literal) {
    if (part == Part::organizational_unit)
      return is_plain(literal) && literal.find_first_of("{}") == literal.npos;
    return all_safe(part, literal);
  };
  if (!good(segment.before) || !good(segment.after))
    return fail("expected letters, digits and - around at most one {name}, found " + quoted(text));
  if (text.empty()) return fail("an empty part");
  return segment;
}

Result<std::vector<CertificateMapping::Segment>, std::string> CertificateMapping::compile_pattern(
    const CertificateRule& from, std::vector<std::string>& names
) {
  std::string_view text = from.pattern;
  if (text.empty()) return fail("an empty pattern");
  if (text.size() > limits::mapping_text_bytes_max) return fail("a pattern that is too long");
  if (from.part == Part::uri) {
    if (!text.starts_with(scheme))
      return fail("expected spiffe://TRUST-DOMAIN/PATH, found " + quoted(text));
    text.remove_prefix(scheme.size());
    if (!is_trust_domain(text.substr(0, text.find('/'))))
      return fail("expected a trust domain of a-z, 0-9, '.', '-', '_' in " + quoted(from.pattern));
  }
  std::vector<Segment> segments;
  std::string error;
  each_part(from.part, text, [&](std::string_view part) {
    auto segment = compile_segment(part, from.part, names);
    if (!segment) {
      error = std::move(segment).error();
      return false;
    }
    segments.push_back(std::move(*segment));
    return true;
  });
  if (!error.empty()) return fail(error + " in " + quoted(from.pattern));
  return segments;
}

Result<CertificateMapping::Template, std::string> CertificateMapping::compile_template(
    std::string_view text, const std::vector<std::string>& names
) {
  if (text.empty()) return fail("an empty name");
  if (text.size() > limits::mapping_text_bytes_max) return fail("a name that is too long");
  if (!is_plain(text) || has_outer_space(text))
    return fail("expected ASCII without outer spaces, found " + quoted(text));
  Template pieces;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t open = rest.find('{');
    Piece piece{std::string(rest.substr(0, open)), std::nullopt};
    if (piece.literal.find('}') != std::string::npos)
      return fail("a } without its { in " + quoted(text));
    rest.remove_prefix(piece.literal.size());
    if (open != rest.npos && !rest.empty()) {
      const std::size_t close = rest.find('}');
      const std::string_view name = rest.substr(1, close == rest.npos ? close : close - 1);
      const auto at = std::find(names.begin(), names.end(), name);
      if (close == rest.npos || at == names.end())
        return fail("expected one of the pattern's captures in {" + std::string(name) + "}");
      piece.capture = static_cast<std::size_t>(at - names.begin());
      rest.remove_prefix(close + 1);
    }
    pieces.push_back(std::move(piece));
  }
  GH_TRY_VOID(check_reserved(text, pieces[0].literal));
  return pieces;
}

Result<CertificateMapping::Rule, std::string> CertificateMapping::compile(
    const CertificateRule& from
) {
  Rule rule;
  rule.part = from.part;
  std::vector<std::string> names;
  GH_TRY(rule.pattern, compile_pattern(from, names));
  GH_TRY(rule.user, compile_template(from.user, names));
  if (from.groups.size() > limits::mapping_groups_max)
    return fail("expected at most " + std::to_string(limits::mapping_groups_max) + " groups");
  for (const std::string& group : from.groups) {
    GH_TRY(Template pieces, compile_template(group, names));
    rule.groups.push_back(std::move(pieces));
  }
  return rule;
}

Result<CertificateMapping, std::string> CertificateMapping::make(
    std::span<const CertificateRule> rules
) {
  if (rules.size() > limits::mapping_rules_max)
    return fail("expected at most " + std::to_string(limits::mapping_rules_max) + " rules");
  CertificateMapping mapping;
  for (const CertificateRule& from : rules) {
    GH_TRY(Rule rule, compile(from));
    mapping.rules_.push_back(std::move(rule));
  }
  return mapping;
}

// ---- applying ----

CertificateMapping::Match CertificateMapping::match(
    const Rule& rule, std::string_view name, Captures& captures
) {
  std::size_t at = 0;
  bool safe = true;
  captures.count = 0;
  const bool alike = each_part(rule.part, name, [&](std::string_view part) {
    if (at == rule.pattern.size()) return false;
    const Segment& segment = rule.pattern[at++];
    if (!segment.captures) return part == segment.before;
    if (part.size() <= segment.before.size() + segment.after.size() ||
        !part.starts_with(segment.before) || !part.ends_with(segment.after))
      return false;
    part.remove_prefix(segment.before.size());
    part.remove_suffix(segment.after.size());
    safe = safe && part.size() <= limits::mapping_capture_bytes_max && all_safe(rule.part, part);
    captures.texts[captures.count++] = part;
    return true;
  });
  if (!alike || at != rule.pattern.size()) return Match::no;
  return safe ? Match::yes : Match::unsafe;
}

// SPIFFE X509-SVID §2: exactly one URI name; a certificate with more must be rejected.
Result<bool, MappingFault> CertificateMapping::match_uri(
    const Rule& rule, const std::vector<std::string>& uris, Captures& captures
) {
  if (uris.empty()) return false;
  if (uris.size() > 1) return fail(MappingFault::several_uris);
  const std::string_view uri = uris[0];
  if (lower(uri.substr(0, uri.find(':'))) != "spiffe") return false;
  if (!is_spiffe_id(uri)) return fail(MappingFault::bad_spiffe_id);
  switch (match(rule, uri.substr(scheme.size()), captures)) {
    case Match::no:
      return false;
    case Match::yes:
      return true;
    case Match::unsafe:
      break;
  }
  return fail(MappingFault::unsafe_capture);
}

Result<bool, MappingFault> CertificateMapping::match_one(
    const Rule& rule, const std::vector<std::string>& names, Captures& captures
) {
  if (names.size() > limits::mapping_names_max) return fail(MappingFault::too_many_names);
  bool found = false;
  for (const std::string& name : names) {
    Captures own;
    own.lowered = rule.part == Part::dns ? lower(name) : name;
    const Match result = match(rule, own.lowered, own);
    if (result == Match::no) continue;
    if (found) return fail(MappingFault::several_matches);
    if (result == Match::unsafe) return fail(MappingFault::unsafe_capture);
    found = true;
    captures.lowered = own.lowered;  // the texts are to point into this one
    match(rule, captures.lowered, captures);
  }
  return found;
}

Result<std::string, MappingFault> CertificateMapping::expand(
    const Template& pieces, const Captures& captures
) {
  std::string out;
  for (const Piece& piece : pieces) {
    out += piece.literal;
    if (piece.capture) out += captures.texts[*piece.capture];
  }
  if (out.size() > limits::mapped_name_bytes_max) return fail(MappingFault::name_too_long);
  if (out.starts_with(reserved) && !pieces[0].literal.starts_with(reserved))
    return fail(MappingFault::reserved_name);
  return out;
}

Result<std::optional<Identity>, MappingFault> CertificateMapping::apply(
    const tls::PeerCertificate& certificate
) const {
  for (const Rule& rule : rules_) {
    Captures captures;
    GH_TRY(
        const bool matches,
        rule.part == Part::uri
            ? match_uri(rule, certificate.uri_names, captures)
            : match_one(
                  rule,
                  rule.part == Part::dns ? certificate.dns_names : certificate.organizational_units,
                  captures
              )
    );
    if (!matches) continue;
    Identity who;
    GH_TRY(who.user, expand(rule.user, captures));
    for (const Template& pieces : rule.groups) {
      GH_TRY(std::string group, expand(pieces, captures));
      who.groups.push_back(std::move(group));
    }
    add_extra(who.extra, credential_id_key, credential_id(certificate.fingerprint));
    return std::optional<Identity>(std::move(who));
  }
  return std::optional<Identity>();
}

}  // namespace gh::identity
