// SPDX-License-Identifier: Apache-2.0
#include "control/command_line.h"

#include "control/help.h"
#include "control/options.h"
#include "control/suggest.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <deque>

namespace gh::control {
namespace {

using Words = std::vector<std::string>;

// CLI11 collects words; their meaning is judged in one place, options.h.
class Parser {
 public:
  Parser() {
    app_.set_help_flag();
    app_.allow_extras();
    app_.add_flag("-h,--help", help_);
    app_.add_flag("--version", version_);
    app_.require_subcommand(0, 1);
    add_settings(command("serve"));
    add_settings(command("check"));
    add_explain(command("explain"));
    add_diff(command("diff"));
    add_shadow_report(command("shadow-report"));
    add_verify(command("verify"));
    add_conformance(command("conformance"));
    command("version");
    CLI::App* help = command("help");
    help->add_option("topic", line_.help_topic);
    help->add_flag("--man", man_);
    help->add_flag("--bash-completion", bash_);
  }

  Result<CommandLine, std::string> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Error& error) {
      return usage(error.what());
    }
    const auto chosen = app_.get_subcommands();
    const CLI::App* sub = chosen.empty() ? nullptr : chosen.front();
    if (help_) return help_on(sub == nullptr ? "" : sub->get_name());
    if (const std::string problem = unknown(sub); !problem.empty()) return usage(problem);
    if (sub == nullptr) {
      if (!version_) return fail(help_text(""));
      line_.command = Command::version;
      return std::move(line_);
    }
    return finish(*sub);
  }

 private:
  struct Given {
    CLI::App* app;
    CLI::Option* parsed;
    const Option* option;
    Words words;
  };

  CLI::App* command(const std::string& name) {
    CLI::App* app = app_.add_subcommand(name);
    app->set_help_flag();
    app->allow_extras();
    app->add_flag("-h,--help", help_);
    return app;
  }

  static void add_list(CLI::App* app, const char* name, Words& into) {
    app->add_option(name, into)->take_all()->allow_extra_args(false);
  }

  static CLI::Option* add_last(CLI::App* app, const char* name, std::string& into) {
    return app->add_option(name, into)->take_last();
  }

  void add_settings(CLI::App* app) {
    for (const Option& option : options()) {
      Given& given = given_.emplace_back(Given{app, nullptr, &option, {}});
      const std::string name = option.name == "v" ? "-v,--v" : "--" + std::string(option.name);
      if (option.kind == OptionKind::flag) {
        given.parsed = app->add_flag(name)->take_last();
      } else {
        given.parsed = app->add_option(name, given.words)->take_all()->allow_extra_args(false);
      }
    }
  }

  void add_explain(CLI::App* app) {
    ExplainArguments& explain = line_.explain;
    add_list(app, "--policy", explain.policy);
    app->add_flag("--bootstrap-policy", explain.bootstrap);
    add_list(app, "--authorization-mode", explain.modes);
    add_list(app, "--node-graph", explain.node_graph);
    add_last(app, "--user,--as", explain.user);
    add_list(app, "--group,--as-group", explain.groups);
    app->add_flag("!--no-authenticated-group", explain.add_authenticated);
    add_last(app, "--verb", explain.verb);
    add_last(app, "--resource", resource_);
    add_last(app, "--path", path_);
    add_last(app, "-n,--namespace", explain.name_space);
    add_last(app, "--name", explain.name);
    add_last(app, "--field-selector", explain.field_selector);
  }

  void add_diff(CLI::App* app) {
    add_last(app, "-o,--output", output_)->check(CLI::IsMember({"text", "json"}));
    app->add_flag("--bootstrap-policy", line_.diff.bootstrap);
    app->add_option("OLD", line_.diff.before);
    app->add_option("NEW", line_.diff.after);
  }

  void add_shadow_report(CLI::App* app) {
    add_last(app, "-o,--output", output_)->check(CLI::IsMember({"text", "json", "yaml"}));
    app->add_option("FILE", line_.shadow_report.files);
  }

  void add_verify(CLI::App* app) {
    VerifyArguments& verify = line_.verify;
    verify.purpose = "client";
    add_last(app, "--ca", verify.ca_file);
    add_last(app, "--chain", verify.chain_file);
    app->add_option("--time", verify.time)->take_last();
    add_last(app, "--purpose", verify.purpose)->check(CLI::IsMember({"client", "server"}));
    add_last(app, "--name", verify.name);
  }

  void add_conformance(CLI::App* app) {
    app->add_option("KIND", line_.conformance_kind);
    app->add_option("FILE", line_.conformance_file);
  }

  static tl::unexpected<std::string> usage(const std::string& problem) {
    return fail("gatehouse: " + problem + "\nSee gatehouse --help.\n");
  }

  Result<CommandLine, std::string> help_on(const std::string& topic) {
    line_.command = Command::help;
    line_.help_topic = topic;
    return std::move(line_);
  }

  // Words that no option took: a flag or command mistyped.
  std::string unknown(const CLI::App* sub) const {
    const Words extras = sub == nullptr ? app_.remaining() : sub->remaining();
    if (extras.empty()) return {};
    const std::string& word = extras.front();
    if (word.size() > 1 && word.starts_with('-')) return unknown_flag(sub, word);
    if (sub != nullptr) return "unexpected argument \"" + word + "\"";
    return "unknown command \"" + word + "\"" + did_you_mean(word, command_names());
  }

  std::string unknown_flag(const CLI::App* sub, const std::string& word) const {
    const std::string flag = word.substr(0, word.find('='));
    std::deque<std::string> names;
    for (const CLI::Option* option : (sub == nullptr ? &app_ : sub)->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back(name);
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string bare = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
    return "unknown flag " + flag + did_you_mean(bare, views, "--");
  }

  Result<CommandLine, std::string> finish(const CLI::App& sub) {
    const std::string name = sub.get_name();
    if (name == "serve" || name == "check") {
      line_.command = name == "serve" ? Command::serve : Command::check;
      collect(sub);
    } else if (name == "explain") {
      line_.command = Command::explain;
      if (sub.count("--resource") > 0) line_.explain.resource = resource_;
      if (sub.count("--path") > 0) line_.explain.path = path_;
      if (const std::string problem = check_explain(); !problem.empty())
        return usage("explain: " + problem);
    } else if (name == "diff") {
      line_.command = Command::diff;
      line_.diff.json = output_ == "json";
      if (line_.diff.after.empty()) return usage("diff: OLD and NEW are needed");
    } else if (name == "shadow-report") {
      line_.command = Command::shadow_report;
      using Output = ShadowReportArguments::Output;
      line_.shadow_report.output = output_ == "json"   ? Output::json
                                   : output_ == "yaml" ? Output::yaml
                                                       : Output::text;
      if (line_.shadow_report.files.empty())
        return usage("shadow-report: FILE is needed: an access log, or - for standard input");
    } else if (name == "verify") {
      line_.command = Command::verify;
      for (const char* needed : {"--ca", "--chain", "--time"}) {
        if (sub.count(needed) == 0) return usage("verify: " + std::string(needed) + " is needed");
      }
    } else if (name == "conformance") {
      line_.command = Command::conformance;
      if (line_.conformance_file.empty()) return usage("conformance: KIND and FILE are needed");
    } else if (name == "version") {
      line_.command = Command::version;
    } else {
      return finish_help();
    }
    return std::move(line_);
  }

  Result<CommandLine, std::string> finish_help() {
    if (man_) line_.help_topic = "man";
    if (bash_) line_.help_topic = "bash";
    const auto known = command_names();
    const std::string& topic = line_.help_topic;
    const bool ok = topic.empty() || man_ || bash_ ||
                    std::find(known.begin(), known.end(), topic) != known.end();
    if (!ok) return usage("no help on \"" + topic + "\"" + did_you_mean(topic, known));
    return help_on(topic);
  }

  void collect(const CLI::App& sub) {
    for (const Given& given : given_) {
      if (given.app != &sub || given.parsed->count() == 0) continue;
      const std::string flag =
          (given.option->name == "v" ? "-" : "--") + std::string(given.option->name);
      Setting setting{std::string(given.option->name), {}, flag, ""};
      for (const std::string& word : given.parsed->results())
        setting.values.push_back({word, flag});
      if (!is_list(given.option->kind)) {  // the last one counts, as with kube-apiserver's flags
        setting.values.erase(setting.values.begin(), setting.values.end() - 1);
      }
      line_.settings.push_back(std::move(setting));
    }
  }

  std::string check_explain() const {
    const ExplainArguments& explain = line_.explain;
    if (explain.policy.empty() && !explain.bootstrap && explain.modes.empty())
      return "--policy is needed: a file or folder of RBAC objects";
    if (explain.user.empty()) return "--user is needed";
    if (explain.verb.empty()) return "--verb is needed";
    if (explain.resource.has_value() == explain.path.has_value())
      return "one of --resource and --path is needed";
    if (explain.path && !(explain.name_space.empty() && explain.name.empty())) {
      return "--namespace and --name belong to --resource, not to --path";
    }
    return {};
  }

  CLI::App app_;
  CommandLine line_;
  std::deque<Given> given_;
  std::string resource_;
  std::string path_;
  std::string output_;
  bool help_ = false;
  bool version_ = false;
  bool man_ = false;
  bool bash_ = false;
};

}  // namespace

Result<CommandLine, std::string> parse_command_line(int argc, const char* const* argv) {
  return Parser().parse(argc, argv);
}

}  // namespace gh::control
