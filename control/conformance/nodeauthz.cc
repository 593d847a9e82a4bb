// SPDX-License-Identifier: Apache-2.0
#include "authz/forbidden.h"
#include "authz/node/graph.h"
#include "authz/node/node_authorizer.h"
#include "authz/node/object_reader.h"
#include "control/conformance/vectors.h"

#include <memory>
#include <optional>

namespace gh::conformance {
namespace {

namespace node = authz::node;

std::optional<node::Event> event_of(std::string_view word) {
  if (word == "ADDED") return node::Event::added;
  if (word == "MODIFIED") return node::Event::modified;
  if (word == "DELETED") return node::Event::deleted;
  return std::nullopt;
}

// A graph, fed and asked in the order of the steps; every question is put to a snapshot as a worker
// has it.
class Scenario {
 public:
  explicit Scenario(node::Features features) : graph_(features) {}

  // False: not a step that can be used.
  bool play(Json step, Findings& findings) {
    const auto event = event_of(text_at(step, "event"));
    Json object;
    if (!event || step["object"].get(object) != simdjson::SUCCESS) {
      findings.differ("event", "ADDED, MODIFIED or DELETED with an object", "another step");
      return false;
    }
    const auto read = node::read_object(simdjson::minify(object));
    if (!read) {
      findings.differ("object", "one that can be read", read.error().to_string());
      return false;
    }
    if (*read) graph_.apply(*event, **read);
    return true;
  }

  void ask(Json step, Findings& findings) {
    Json request;
    if (step["request"].get(request) != simdjson::SUCCESS) {
      return findings.differ("request", "one", "none");
    }
    if (graph_.changed() || !snapshot_) snapshot_ = graph_.snapshot();
    judge(step, request, findings);
  }

 private:
  void judge(Json step, Json request, Findings& findings) const {
    const identity::Identity who{text_at(request, "user"), "", texts_at(request, "groups"), {}};
    const std::string verb = text_at(request, "verb");
    const std::string path = text_at(request, "path");
    const std::string group = text_at(request, "apiGroup");
    const std::string space = text_at(request, "namespace");
    const std::string resource = text_at(request, "resource");
    const std::string subresource = text_at(request, "subresource");
    const std::string name = text_at(request, "name");
    const std::string selector = text_at(request, "fieldSelector");
    const authz::Attributes what{
        bool_at(request, "isResourceRequest"),
        verb,
        path,
        group,
        "v1",
        space,
        resource,
        subresource,
        name
    };
    const node::NodeCaller caller = node::node_caller(who);
    const auto decision = node::decide(*snapshot_, caller, what, selector);
    const std::string reason = node::reason(*snapshot_, caller, what, selector);
    const bool allowed = decision == authz::Decision::allow;
    findings.expect("decision", text_at(step, "decision"), allowed ? "allow" : "noOpinion");
    findings.expect("reason", text_at(step, "reason"), reason);
    if (allowed) return;
    const std::string forbidden = authz::forbidden_message(who.user, what, reason);
    findings.expect("forbidden", text_at(step, "forbidden"), forbidden);
  }

  node::Graph graph_;
  std::unique_ptr<const node::GraphSnapshot> snapshot_;
};

void judge_scenario(Json each, Tally& tally, std::ostream& out) {
  node::Features features;
  Json gates;
  if (each["features"].get(gates) == simdjson::SUCCESS) {
    features.pod_certificate_request = bool_at(gates, "PodCertificateRequest");
  }
  Scenario scenario(features);
  simdjson::dom::array steps;
  if (each["steps"].get_array().get(steps) != simdjson::SUCCESS) return;
  std::size_t number = 0;
  for (Json step : steps) {
    Findings findings;
    const std::string id = text_at(step, "id");
    const bool asked = !id.empty();
    if (asked) {
      scenario.ask(step, findings);
    } else {
      scenario.play(step, findings);
    }
    if (!findings.text().empty()) {
      ++tally.failed;
      out << (asked ? id : text_at(each, "id") + " step " + std::to_string(number)) << ":\n"
          << findings.text();
    } else if (asked) {
      ++tally.passed;
    }
    ++number;
  }
}

}  // namespace

Tally judge_nodeauthz(const std::string& file, std::ostream& out) {
  Tally tally;
  simdjson::dom::parser parser;
  Json root;
  const auto* const loaded =
      load_vectors(parser, file, {"k8s-node-authorizer/1"}, root, tally, out, "scenarios");
  if (loaded == nullptr) return tally;
  simdjson::dom::array scenarios;
  if (root["scenarios"].get_array().get(scenarios) != simdjson::SUCCESS) return tally;
  for (Json each : scenarios) judge_scenario(each, tally, out);
  return tally;
}

}  // namespace gh::conformance
