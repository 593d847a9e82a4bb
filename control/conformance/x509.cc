// SPDX-License-Identifier: Apache-2.0
// A client's chain through TrustStore::verify and identity::from_certificate, against what the x509
// authenticator of Kubernetes says.
#include "authz/identity/from_certificate.h"
#include "control/conformance/vectors.h"
#include "tls/trust_store.h"

#include <cstdio>
#include <map>
#include <memory>
#include <optional>

namespace gh::conformance {
namespace {

using identity::Identity;

struct Verdict {
  bool unparsable = false;  // the handshake fails
  std::string result = "error";
  std::string why;
  Identity who;
};

struct World {
  std::map<std::string, std::string> certificates;  // name → PEM
  std::string front_proxy_ca;
};

// RFC 3339 in UTC, as the file has it.
std::optional<UnixTime> time_of(const std::string& text) {
  std::tm at{};
  int end = 0;
  const int read = std::sscanf(
      text.c_str(),
      "%d-%d-%dT%d:%d:%dZ%n",
      &at.tm_year,
      &at.tm_mon,
      &at.tm_mday,
      &at.tm_hour,
      &at.tm_min,
      &at.tm_sec,
      &end
  );
  if (read != 6 || end != static_cast<int>(text.size())) return std::nullopt;
  at.tm_year -= 1900;
  at.tm_mon -= 1;
  return UnixTime{timegm(&at)};
}

// `now` is printed to the second. Where the clock had a fraction, only the case's title still says
// so ("…, now 500ms").
bool has_fraction(const std::string& title) {
  const std::size_t at = title.find(", now ");
  return at != std::string::npos && title.ends_with("ms");
}

std::shared_ptr<const tls::TrustStore> trust_in(
    const World& world, const std::vector<std::string>& roots, Findings& findings
) {
  if (roots.empty()) return tls::TrustStore::nobody();
  std::string pem;
  for (const auto& root : roots) pem += world.certificates.at(root);
  auto store = tls::TrustStore::from_pem(pem);
  if (store) return *store;
  findings.differ("roots", "usable", store.error().to_string());
  return tls::TrustStore::nobody();
}

Verdict verdict_of(
    const tls::TrustStore& trust,
    const std::vector<ByteView>& chain,
    const tls::VerifyRequest& request
) {
  Verdict out;
  const auto certificate = trust.verify(chain, request, &out.why);
  if (!certificate) {
    out.unparsable = certificate.error() == tls::TlsError::unparsable_certificate;
    return out;
  }
  const auto who = identity::from_certificate(*certificate);
  if (!who) {
    out.why = identity::name_of(who.error());
  } else if (!*who) {
    out.result = "none";
  } else {
    out.result = "user";
    out.who = **who;
  }
  return out;
}

// What the server does with no other credentials: the verifier of a front proxy adds its own error.
std::string server_answer(const Verdict& verdict, bool front_proxy_error) {
  if (verdict.result == "user") return "user";
  return verdict.result == "none" && !front_proxy_error ? "anonymous" : "401";
}

void compare_user(Json user, const Identity& who, Findings& findings) {
  findings.expect("user.name", text_at(user, "name"), who.user);
  findings.expect("user.uid", text_at(user, "uid"), who.uid);
  findings.expect("user.groups", texts_at(user, "groups"), who.groups);
  std::vector<std::string> want, got;
  simdjson::dom::object extra;
  if (user["extra"].get_object().get(extra) == simdjson::SUCCESS) {
    for (const auto& [key, values] : extra)
      want.push_back(std::string(key) + "=" + shown(texts_at(user["extra"], key)));
  }
  for (const auto& [key, values] : who.extra) got.push_back(key + "=" + shown(values));
  findings.expect("user.extra", want, got);
}

void judge_case(Json each, const World& world, Findings& findings) {
  std::vector<std::vector<std::uint8_t>> storage;
  for (const auto& name : texts_at(each, "chain")) {
    auto blocks = tls::certificates_of_pem(world.certificates.at(name));
    if (!blocks) return findings.differ("chain", "PEM", blocks.error().to_string());
    storage.push_back(std::move((*blocks)[0]));
  }
  const std::vector<ByteView> chain(storage.begin(), storage.end());
  const auto now = time_of(text_at(each, "now"));
  if (!now) return findings.differ("now", "a time", text_at(each, "now"));
  tls::VerifyRequest request;
  request.now = *now;
  request.now_is_cut = has_fraction(text_at(each, "what"));
  const Verdict verdict =
      verdict_of(*trust_in(world, texts_at(each, "roots"), findings), chain, request);
  const bool unparsable = !text_at(each, "parseError").empty();
  findings.expect(
      "parse", unparsable ? "fails" : "succeeds", verdict.unparsable ? "fails" : "succeeds"
  );
  if (unparsable || verdict.unparsable) return;
  findings.expect(
      "result",
      text_at(each, "result"),
      verdict.result + (verdict.result == text_at(each, "result") ? "" : ": " + verdict.why)
  );
  const bool front_proxy_error =
      !trust_in(world, {world.front_proxy_ca}, findings)->verify(chain, request);
  findings.expect("server", text_at(each, "server"), server_answer(verdict, false));
  findings.expect(
      "serverWithFrontProxyCA",
      text_at(each, "serverWithFrontProxyCA"),
      server_answer(verdict, front_proxy_error)
  );
  Json user;
  if (verdict.result == "user" && each["user"].get(user) == simdjson::SUCCESS)
    compare_user(user, verdict.who, findings);
}

}  // namespace

Tally judge_x509(const std::string& file, std::ostream& out) {
  Tally tally;
  simdjson::dom::parser parser;
  Json root;
  if (load_vectors(parser, file, {"k8s-x509/1"}, root, tally, out) == nullptr) return tally;
  World world;
  world.front_proxy_ca = text_at(root, "frontProxyCA");
  simdjson::dom::object certificates;
  if (root["certificates"].get_object().get(certificates) == simdjson::SUCCESS) {
    for (const auto& [name, pem] : certificates)
      world.certificates[std::string(name)] = text_at(root["certificates"], name);
  }
  judge_each(root["cases"], tally, out, [&](Json each, Findings& findings) {
    for (const char* list : {"roots", "chain"}) {
      for (const auto& name : texts_at(each, list)) {
        if (!world.certificates.contains(name))
          return findings.differ(list, "a certificate of the file", name);
      }
    }
    judge_case(each, world, findings);
  });
  return tally;
}

}  // namespace gh::conformance
