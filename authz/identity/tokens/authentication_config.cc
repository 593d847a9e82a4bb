// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/authentication_config.h"

#include "authz/go_text.h"
#include "authz/go_url.h"
#include "authz/identity/tokens/claims.h"
#include "authz/rbac/policy_tree.h"
#include "authz/selectors.h"
#include "base/limits.h"
#include "tls/trust_store.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace gh::identity {
namespace {

using authz::go_quoted;
using authz::rbac::NodeKind;
using authz::rbac::NodeView;

// Where we are: the field's path as Kubernetes prints it, and its line.
struct Place {
  std::string path;
  std::size_t line = 0;

  Place child(std::string_view field, NodeView node) const {
    return {(path.empty() ? "" : path + ".") + std::string(field), node.line()};
  }

  Place at(std::size_t index, NodeView node) const {
    return {path + "[" + std::to_string(index) + "]", node.line()};
  }

  Place field(std::string_view name) const { return {path + "." + std::string(name), line}; }
};

struct Text {
  std::string value;
  bool given = false;
  Place place;
};

// Lower case letters, digits, '-' and '.'; RFC 1123 subdomain, then a path (IsDomainPrefixedPath).
bool is_domain_prefixed(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == key.npos || slash == 0 || slash + 1 == key.size()) return false;
  const std::string_view path = key.substr(slash + 1);
  const auto in_path = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/!$&'()*+,;=:@-._~%").find(c) != std::string_view::npos;
  };
  if (!authz::is_dns1123_subdomain(key.substr(0, slash))) return false;
  return std::all_of(path.begin(), path.end(), in_path);
}

bool is_kubernetes_domain(std::string_view key) {
  const std::string_view domain = key.substr(0, key.find('/'));
  return domain == "kubernetes.io" || domain.ends_with(".kubernetes.io") || domain == "k8s.io" ||
         domain.ends_with(".k8s.io");
}

class ConfigReader {
 public:
  ConfigReader(const std::string& file, const std::vector<std::string>& disallowed)
      : file_(file), disallowed_(disallowed) {}

  void document(NodeView root);

  std::vector<Fault> faults;
  AuthenticationConfig config;

 private:
  using Visit = std::function<void(NodeView, const Place&)>;

  void wrong(const Place& place, std::string text) {
    const std::string where = place.line == 0 ? file_ : file_ + ":" + std::to_string(place.line);
    faults.push_back({place.path.empty() ? std::move(text) : place.path + ": " + text, where});
  }

  bool is(NodeView node, const Place& place, NodeKind kind) {
    if (node.kind() == kind) return true;
    if (node.kind() != NodeKind::null) {
      wrong(
          place,
          "expected " + std::string(authz::rbac::name_of(kind)) + ", found " +
              std::string(authz::rbac::name_of(node.kind()))
      );
    }
    return false;
  }

  // `visit` says false for a field it does not know.
  void map(
      NodeView node, const Place& place, const std::function<bool(NodeView, const Place&)>& visit
  ) {
    if (!is(node, place, NodeKind::map)) return;
    node.each([&](NodeView child) {
      const Place here = place.child(child.key(), child);
      if (!visit(child, here)) wrong(here, "unknown field");
    });
  }

  void list(NodeView node, const Place& place, const Visit& visit) {
    if (!is(node, place, NodeKind::list)) return;
    std::size_t index = 0;
    node.each([&](NodeView child) { visit(child, place.at(index++, child)); });
  }

  bool text(NodeView node, const Place& place, Text& into) {
    into.place = place;
    if (is(node, place, NodeKind::string)) {
      into.value = node.text();
      into.given = true;
    }
    return true;
  }

  void jwt(NodeView node, const Place& place);
  void issuer(NodeView node, const Place& place, OidcIssuer& into);
  void audiences(NodeView node, const Place& place, OidcIssuer& into);
  void check_issuer_url(const Text& url);
  void check_url(const Text& url);
  void check_discovery(const Text& discovery, const Text& url);
  void rules(NodeView node, const Place& place, OidcIssuer& into);
  void rule(NodeView node, const Place& place, OidcIssuer& into);
  void user_rules(NodeView node, const Place& place);
  void mappings(NodeView node, const Place& place, OidcIssuer& into);
  void mapping(NodeView node, const Place& place, bool prefixed, bool needed, ClaimMapping& into);
  std::optional<ClaimExpression> expression(const Text& text);
  void extra(NodeView node, const Place& place, OidcIssuer& into);
  void check_email(const OidcIssuer& issuer, const Place& place);
  void anonymous(NodeView node, const Place& place);

  const std::string& file_;
  const std::vector<std::string>& disallowed_;
  std::set<std::string> seen_issuers_, seen_discovery_;
};

void ConfigReader::document(NodeView root) {
  const Place top{"", root.line()};
  if (root.kind() != NodeKind::map) return wrong(top, "expected an AuthenticationConfiguration");
  Text version;
  Text kind;
  std::optional<NodeView> authenticators;
  map(root, top, [&](NodeView node, const Place& here) {
    const std::string_view key = node.key();
    if (key == "apiVersion") return text(node, here, version);
    if (key == "kind") return text(node, here, kind);
    if (key == "jwt") authenticators = node;
    if (key == "anonymous") anonymous(node, here);
    return key == "jwt" || key == "anonymous";
  });
  static constexpr std::string_view versions[] = {
      "apiserver.config.k8s.io/v1",
      "apiserver.config.k8s.io/v1beta1",
      "apiserver.config.k8s.io/v1alpha1"
  };
  if (std::find(std::begin(versions), std::end(versions), version.value) == std::end(versions))
    wrong({"apiVersion", top.line}, "expected apiserver.config.k8s.io/v1");
  if (kind.value != "AuthenticationConfiguration")
    wrong({"kind", top.line}, "expected AuthenticationConfiguration");
  if (!authenticators) return;
  const Place place{"jwt", authenticators->line()};
  std::size_t count = 0;
  list(*authenticators, place, [&](NodeView node, const Place& here) {
    if (++count <= limits::oidc_issuers_max) jwt(node, here);
  });
  if (count > limits::oidc_issuers_max)
    wrong(place, "must have at most " + std::to_string(limits::oidc_issuers_max) + " items");
}

void ConfigReader::jwt(NodeView node, const Place& place) {
  auto issuer_config = std::make_shared<OidcIssuer>();
  bool has_issuer = false;
  bool has_mappings = false;
  map(node, place, [&](NodeView child, const Place& here) {
    const std::string_view key = child.key();
    if (key == "issuer") {
      has_issuer = child.kind() != NodeKind::null;
      if (has_issuer) issuer(child, here, *issuer_config);
    } else if (key == "claimMappings") {
      has_mappings = child.kind() != NodeKind::null;
      if (has_mappings) mappings(child, here, *issuer_config);
    } else if (key == "claimValidationRules") {
      rules(child, here, *issuer_config);
    } else if (key == "userValidationRules") {
      user_rules(child, here);
    } else {
      return false;
    }
    return true;
  });
  if (!has_issuer) wrong(place.field("issuer.url"), "Required value");
  if (!has_mappings)
    wrong(place.field("claimMappings.username"), "Required value: claim or expression is required");
  check_email(*issuer_config, place);
  config.issuers.push_back(std::move(issuer_config));
}

void ConfigReader::issuer(NodeView node, const Place& place, OidcIssuer& into) {
  Text url{{}, false, place.field("url")};
  Text discovery;
  Text policy;
  Text authority;
  Text egress;
  bool has_audiences = false;
  map(node, place, [&](NodeView child, const Place& here) {
    const std::string_view key = child.key();
    if (key == "url") return text(child, here, url);
    if (key == "discoveryURL") return text(child, here, discovery);
    if (key == "certificateAuthority") return text(child, here, authority);
    if (key == "audienceMatchPolicy") return text(child, here, policy);
    if (key == "egressSelectorType") return text(child, here, egress);
    if (key != "audiences") return false;
    has_audiences = true;
    audiences(child, here, into);
    return true;
  });
  check_issuer_url(url);
  check_discovery(discovery, url);
  if (!has_audiences || into.audiences.empty())
    wrong(place.field("audiences"), "Required value: at least one audience is required");
  if (into.audiences.size() > 1 && policy.value != "MatchAny") {
    wrong(
        policy.given ? policy.place : place.field("audienceMatchPolicy"),
        "Invalid value: " + go_quoted(policy.value) +
            ": audienceMatchPolicy must be MatchAny for multiple audiences"
    );
  }
  if (into.audiences.size() == 1 && !policy.value.empty() && policy.value != "MatchAny") {
    wrong(
        policy.place,
        "Invalid value: " + go_quoted(policy.value) +
            ": audienceMatchPolicy must be empty or MatchAny for single audience"
    );
  }
  if (!authority.value.empty()) {
    const auto trust = tls::TrustStore::from_pem(authority.value, {}, "certificateAuthority");
    if (!trust) wrong(authority.place, "Invalid value: \"<omitted>\": " + trust.error().text);
  }
  if (!egress.value.empty()) wrong(egress.place, "gatehouse has no egress selectors");
  into.url = url.value;
  into.discovery_url = discovery.value;
  into.certificate_authority = authority.value;
}

void ConfigReader::audiences(NodeView node, const Place& place, OidcIssuer& into) {
  list(node, place, [&](NodeView child, const Place& here) {
    Text audience;
    text(child, here, audience);
    if (audience.value.empty()) wrong(here, "Required value");
    if (contains(into.audiences, audience.value))
      wrong(here, "Duplicate value: " + go_quoted(audience.value));
    into.audiences.push_back(std::move(audience.value));
  });
}

void ConfigReader::check_url(const Text& url) {
  const std::size_t mark = url.value.find('#');
  const auto parsed = authz::go_request_url("GET", std::string_view(url.value).substr(0, mark));
  const auto invalid = [&](const std::string& why) {
    wrong(url.place, "Invalid value: " + go_quoted(url.value) + ": " + why);
  };
  if (!parsed) return invalid("not a URL with a scheme");
  if (parsed->scheme != "https") invalid("URL scheme must be https");
  if (parsed->has_user) invalid("URL must not contain a username or password");
  if (!parsed->raw_query.empty()) invalid("URL must not contain a query");
  if (mark != url.value.npos && mark + 1 < url.value.size())
    invalid("URL must not contain a fragment");
}

void ConfigReader::check_issuer_url(const Text& url) {
  if (url.value.empty()) return wrong(url.place, "Required value");
  if (contains(disallowed_, url.value)) {
    wrong(
        url.place,
        "Invalid value: " + go_quoted(url.value) +
            ": URL must not overlap with disallowed issuers: " + quoted_list(disallowed_)
    );
  }
  check_url(url);
  if (!seen_issuers_.insert(url.value).second)
    wrong(url.place, "Duplicate value: " + go_quoted(url.value));
}

void ConfigReader::check_discovery(const Text& discovery, const Text& url) {
  if (discovery.value.empty()) return;
  const auto bare = [](std::string_view text) {
    while (text.ends_with('/')) text.remove_suffix(1);
    return text;
  };
  if (!url.value.empty() && bare(url.value) == bare(discovery.value)) {
    wrong(
        discovery.place,
        "Invalid value: " + go_quoted(discovery.value) + ": discoveryURL must be different from URL"
    );
  }
  check_url(discovery);
  if (!seen_discovery_.insert(discovery.value).second)
    wrong(discovery.place, "Duplicate value: " + go_quoted(discovery.value));
}

void ConfigReader::rules(NodeView node, const Place& place, OidcIssuer& into) {
  list(node, place, [&](NodeView child, const Place& here) { rule(child, here, into); });
}

void ConfigReader::rule(NodeView node, const Place& place, OidcIssuer& into) {
  Text claim;
  Text value;
  Text expression_text;
  Text message;
  map(node, place, [&](NodeView child, const Place& here) {
    const std::string_view key = child.key();
    if (key == "claim") return text(child, here, claim);
    if (key == "requiredValue") return text(child, here, value);
    if (key == "expression") return text(child, here, expression_text);
    return key == "message" && text(child, here, message);
  });
  if (!expression_text.value.empty()) {
    if (!claim.value.empty()) return wrong(place, "claim and expression can't both be set");
    return wrong(expression_text.place, "gatehouse cannot check claims by CEL expressions");
  }
  if (claim.value.empty()) return wrong(place, "Required value: claim or expression is required");
  if (!message.value.empty()) wrong(message.place, "may not be specified when claim is set");
  const bool twice =
      std::any_of(into.required_claims.begin(), into.required_claims.end(), [&](const auto& each) {
        return each.first == claim.value;
      });
  if (twice) return wrong(claim.place, "Duplicate value: " + go_quoted(claim.value));
  into.required_claims.emplace_back(std::move(claim.value), std::move(value.value));
}

void ConfigReader::user_rules(NodeView node, const Place& place) {
  list(node, place, [&](NodeView child, const Place& here) {
    wrong(
        child.kind() == NodeKind::map ? here.field("expression") : here,
        "gatehouse cannot check users by CEL expressions"
    );
  });
}

std::optional<ClaimExpression> ConfigReader::expression(const Text& text) {
  auto parsed = ClaimExpression::parse(text.value);
  if (parsed) return std::move(*parsed);
  wrong(text.place, "Invalid value: " + go_quoted(text.value) + ": " + parsed.error());
  return std::nullopt;
}

void ConfigReader::mapping(
    NodeView node, const Place& place, bool prefixed, bool needed, ClaimMapping& into
) {
  Text claim;
  Text prefix;
  Text expression_text;
  map(node, place, [&](NodeView child, const Place& here) {
    const std::string_view key = child.key();
    if (key == "claim") return text(child, here, claim);
    if (key == "prefix" && prefixed) return text(child, here, prefix);
    return key == "expression" && text(child, here, expression_text);
  });
  if (!expression_text.value.empty() && !claim.value.empty())
    return wrong(place, "Invalid value: \"\": claim and expression can't both be set");
  if (!expression_text.value.empty()) {
    if (prefix.given) wrong(prefix.place, "may not be specified when expression is set");
    into.expression = expression(expression_text);
  } else if (claim.value.empty()) {
    if (needed) wrong(place, "Required value: claim or expression is required");
  } else if (prefixed && !prefix.given) {
    wrong(
        place.field("prefix"),
        "Required value: prefix is required when claim is set. It can be set to an empty string to "
        "disable prefixing"
    );
  }
  into.claim = std::move(claim.value);
  into.prefix = std::move(prefix.value);
}

void ConfigReader::mappings(NodeView node, const Place& place, OidcIssuer& into) {
  bool has_username = false;
  map(node, place, [&](NodeView child, const Place& here) {
    const std::string_view key = child.key();
    if (key == "username") {
      has_username = child.kind() != NodeKind::null;
      if (has_username) mapping(child, here, true, true, into.username);
    } else if (key == "groups") {
      mapping(child, here, true, false, into.groups);
    } else if (key == "uid") {
      mapping(child, here, false, false, into.uid);
    } else if (key == "extra") {
      list(child, here, [&](NodeView each, const Place& at) { extra(each, at, into); });
    } else {
      return false;
    }
    return true;
  });
  if (!has_username)
    wrong(place.field("username"), "Required value: claim or expression is required");
}

void ConfigReader::extra(NodeView node, const Place& place, OidcIssuer& into) {
  Text key{{}, false, place.field("key")};
  Text value{{}, false, place.field("valueExpression")};
  map(node, place, [&](NodeView child, const Place& here) {
    if (child.key() == "key") return text(child, here, key);
    return child.key() == "valueExpression" && text(child, here, value);
  });
  const std::string invalid = "Invalid value: " + go_quoted(key.value) + ": ";
  if (!is_domain_prefixed(key.value))
    wrong(key.place, invalid + "must be a domain-prefixed path (such as \"acme.io/foo\")");
  if (std::any_of(key.value.begin(), key.value.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    wrong(key.place, invalid + "must be lowercase");
  if (is_kubernetes_domain(key.value)) {
    wrong(
        key.place,
        invalid + "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"
    );
  }
  const bool twice = std::any_of(into.extra.begin(), into.extra.end(), [&](const auto& each) {
    return each.first == key.value;
  });
  if (twice) return wrong(key.place, "Duplicate value: " + go_quoted(key.value));
  if (value.value.empty()) return wrong(value.place, "Required value");
  if (auto parsed = expression(value)) into.extra.emplace_back(key.value, std::move(*parsed));
}

// Who takes claims.email for the name has to look at claims.email_verified somewhere.
void ConfigReader::check_email(const OidcIssuer& issuer, const Place& place) {
  const auto& username = issuer.username.expression;
  if (!username || !username->selects("email") || username->selects("email_verified")) return;
  const bool elsewhere =
      std::any_of(issuer.extra.begin(), issuer.extra.end(), [](const auto& each) {
        return each.second.selects("email_verified");
      });
  if (elsewhere) return;
  wrong(
      place.field("claimMappings.username.expression"),
      "Invalid value: " + go_quoted(username->text()) +
          ": claims.email_verified must be used in claimMappings.username.expression or "
          "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when "
          "claims.email is used in claimMappings.username.expression"
  );
}

void ConfigReader::anonymous(NodeView node, const Place& place) {
  if (node.kind() == NodeKind::null) return;
  AnonymousConfig section;
  section.line = node.line();
  map(node, place, [&](NodeView child, const Place& here) {
    if (child.key() == "enabled") {
      if (is(child, here, NodeKind::boolean)) section.enabled = child.text() == "true";
      return true;
    }
    if (child.key() != "conditions") return false;
    list(child, here, [&](NodeView condition, const Place& at) {
      Text path;
      map(condition, at, [&](NodeView field, const Place& there) {
        return field.key() == "path" && text(field, there, path);
      });
      section.paths.push_back(std::move(path.value));
    });
    return true;
  });
  if (!section.enabled && !section.paths.empty()) {
    wrong(place.field("conditions"), "enabled should be set to true when conditions are defined");
  }
  config.anonymous = std::move(section);
}

}  // namespace

Result<AuthenticationConfig, std::vector<Fault>> parse_authentication_config(
    std::string_view text,
    const std::string& file,
    const std::vector<std::string>& service_account_issuers
) {
  ConfigReader reader(file, service_account_issuers);
  std::size_t documents = 0;
  const auto read = authz::rbac::read_documents(
      text,
      file.ends_with(".json"),
      [&](const authz::rbac::Tree& tree) -> Result<void, authz::rbac::TreeFault> {
        const NodeView root(tree, tree.root);
        if (++documents > 1)
          return fail(authz::rbac::TreeFault{"a second document; expected one", root.line()});
        reader.document(root);
        return {};
      }
  );
  if (!read) {
    const std::size_t line = read.error().line;
    reader.faults.push_back(
        {read.error().text, line == 0 ? file : file + ":" + std::to_string(line)}
    );
  } else if (documents == 0) {
    reader.faults.push_back({"expected an AuthenticationConfiguration, found nothing", file});
  }
  if (!reader.faults.empty()) return fail(std::move(reader.faults));
  return std::move(reader.config);
}

}  // namespace gh::identity
