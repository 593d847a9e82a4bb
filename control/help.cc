// SPDX-License-Identifier: Apache-2.0
#include "control/help.h"

#include "control/options.h"

#include <array>
#include <vector>

namespace gh::control {
namespace {

constexpr std::size_t width = 96;
constexpr std::size_t indent = 6;

// clang-format off
constexpr Argument explain_arguments[] = {
  {"--policy PATH", "A file or folder of RBAC objects; may be repeated."},
  {"--user NAME", "Who asks."},
  {"--group NAME", "A group of theirs; may be repeated. system:authenticated is added, as it is when serving."},
  {"--no-authenticated-group", "Do not add system:authenticated."},
  {"--verb VERB", "get, list, watch, create, update, patch, delete, deletecollection; with --path the method in lower case."},
  {"--resource RESOURCE[.GROUP][/SUB]", "What is asked for: pods, pods/log, deployments.apps, deployments.apps/scale."},
  {"-n, --namespace NS", "In this namespace; without: cluster scope."},
  {"--name NAME", "One object of that name."},
  {"--path PATH", "A path that is no resource, such as /healthz, instead of --resource."},
  {"--bootstrap-policy", "Kubernetes' default roles and bindings beneath those of --policy."},
  {"--authorization-mode MODE,…", "Who is asked, as when serving: Node, RBAC, AlwaysAllow. Default: RBAC; with --node-graph Node,RBAC."},
  {"--node-graph PATH", "Pods, PersistentVolumes and other objects that mode Node goes by; may be repeated."},
  {"--field-selector TEXT", "The field selector of a list or watch, such as spec.nodeName=n1, which mode Node looks at."},
};
constexpr Argument diff_arguments[] = {
  {"OLD", "A file or folder of RBAC objects."},
  {"NEW", "What is to take its place."},
  {"--bootstrap-policy", "Kubernetes' default roles and bindings are beneath both."},
  {"-o, --output text|json", "Default: text."},
};
constexpr Argument shadow_report_arguments[] = {
  {"FILE", "An access log (--access-log); several, or - for standard input."},
  {"-o, --output text|json|yaml", "yaml: the Roles and bindings that would allow what was seen. Default: text."},
};
constexpr Argument verify_arguments[] = {
  {"--ca FILE", "The CA certificates (PEM)."},
  {"--chain FILE", "The certificate and its intermediates as a peer presents them, leaf first (PEM)."},
  {"--time UNIX", "The moment to judge at, in seconds since 1970."},
  {"--purpose client|server", "Which use the leaf must be good for. Default: client."},
  {"--name DNS:NAME|IP:ADDRESS", "A name the leaf must have."},
};
constexpr Argument conformance_arguments[] = {
  {"KIND", "requestinfo, rbac, x509, headerrequest, impersonation, nodeauthz or noderestriction."},
  {"FILE", "Vectors (JSON)."},
};
constexpr Argument help_arguments[] = {
  {"--man", "The man page."},
  {"--bash-completion", "A completion script for bash."},
};
constexpr CommandHelp table[] = {
  {"serve", "[--config FILE] [flags]", "authenticate, authorize and forward requests",
   "Serves until SIGTERM or SIGINT; then running requests have --shutdown-timeout to finish, and a second signal ends at once. "
   "SIGHUP reads policy and certificates again, as a change of their files does; a set with an error changes nothing. "
   "Exit code: 0 stopped as asked, 1 a bad configuration or a failure, 2 a bad command line.", {}},
  {"check", "[--config FILE] [flags]", "validate configuration, policy and certificates without serving",
   "Takes what serve takes and prints every problem found. Exit code: 0 none, 1 some, 2 a bad command line.", {}},
  {"explain", "--policy PATH --user NAME --verb VERB (--resource R | --path P) [flags]",
   "say which rules allow a request, or that none does",
   "Judges with the code that serves. Exit code: 0 allowed, 1 denied, 2 a bad command line or policy.", explain_arguments},
  {"diff", "OLD NEW [flags]", "say which subjects gain and lose what between two sets of policy",
   "By effect: renamed bindings, rules spread over other roles, or covered by a * are no difference. Exit code as diff(1): 0 no difference, 1 some, "
   "2 a set that cannot be used.", diff_arguments},
  {"shadow-report", "FILE... [flags]", "list what --authorization-shadow let through, and the rules that would allow it",
   "Read the rules before you apply them: they allow what was asked, not what should be. Exit code: 0, or 2 a file that cannot be read.",
   shadow_report_arguments},
  {"verify", "--ca FILE --chain FILE --time UNIX [flags]", "judge one certificate chain as a handshake would",
   "Exit code: 0 accepted, 1 rejected (with the reason), 2 not supported or not readable.", verify_arguments},
  {"conformance", "KIND FILE", "judge a file of test vectors through the code that serves",
   "Prints each failing id and last \"N passed, N failed\". Exit code: 0 none failed, 1 some, 2 the file cannot be used.",
   conformance_arguments},
  {"version", "", "print the version", "", {}},
  {"help", "[COMMAND]", "print help", "", help_arguments},
};
// clang-format on

constexpr auto make_names() {
  std::array<std::string_view, std::size(table)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = table[i].name;
  return names;
}

constexpr auto names = make_names();

std::string wrapped(std::string_view text, std::size_t left) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    if (column != 0 && left + column + 1 + word.size() > width) {
      out += '\n';
      column = 0;
    }
    out += column == 0 ? std::string(left, ' ') : " ";
    out += word;
    column += word.size() + (column == 0 ? 0 : 1);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return out + "\n";
}

std::string flag_of(const Option& option) {
  const std::string dashes = option.name == "v" ? "-v, --" : "--";
  return dashes + std::string(option.name) +
         (option.placeholder.empty() ? "" : " " + std::string(option.placeholder));
}

// The sentence of an option, with its default where it has one.
std::string help_of(const Option& option) {
  static const Config defaults;
  const auto shown = option.show(defaults);
  const std::string preset = shown.empty() ? "" : " Default: " + shown.front() + ".";
  return std::string(option.help) + preset;
}

std::string options_help() {
  std::string out;
  std::string_view group;
  for (const Option& option : options()) {
    if (option.group != group) out += "\n" + std::string(option.group) + ":\n";
    group = option.group;
    out += "  " + flag_of(option) + "\n" + wrapped(help_of(option), indent);
  }
  return out;
}

std::string overview() {
  std::string out =
      "gatehouse authenticates clients of Kubernetes API servers by mutual TLS, decides by "
      "Kubernetes' own rules\n"
      "what they may do, and forwards what is allowed.\n\nUsage: gatehouse COMMAND "
      "[flags]\n\nCommands:\n";
  for (const CommandHelp& command : table) {
    out += "  " + std::string(command.name) + std::string(14 - command.name.size(), ' ') +
           std::string(command.summary) + "\n";
  }
  return out +
         "\ngatehouse COMMAND --help says more. To begin:\n\n"
         "  gatehouse serve --listen :6443 --tls-cert-file server.crt --tls-private-key-file "
         "server.key \\\n"
         "    --client-ca-file client-ca.crt --policy rbac/ --upstream https://10.0.0.1:6443 \\\n"
         "    --upstream-ca-file ca.crt --proxy-client-cert-file proxy.crt --proxy-client-key-file "
         "proxy.key\n";
}

// ---- man page ----

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string roff_entry(std::string_view flags, std::string_view help) {
  return ".TP\n.B " + roff(flags) + "\n" + roff(help) + "\n";
}

std::string roff_options() {
  std::string out = ".SH OPTIONS OF SERVE AND CHECK\n";
  std::string_view group;
  for (const Option& option : options()) {
    if (option.group != group) out += ".SS " + roff(option.group) + "\n";
    group = option.group;
    out += roff_entry(flag_of(option), help_of(option));
  }
  return out;
}

}  // namespace

std::span<const CommandHelp> commands() { return table; }

std::span<const std::string_view> command_names() { return names; }

std::string help_text(std::string_view name) {
  for (const CommandHelp& command : table) {
    if (command.name != name) continue;
    std::string out = "gatehouse " + std::string(name) + ": " + std::string(command.summary) +
                      "\n\nUsage: gatehouse " + std::string(name) +
                      (command.usage.empty() ? "" : " " + std::string(command.usage)) + "\n";
    if (!command.text.empty()) out += "\n" + wrapped(command.text, 0);
    if (name == "serve" || name == "check") return out + options_help();
    if (!command.arguments.empty()) out += "\n";
    for (const Argument& argument : command.arguments) {
      out += "  " + std::string(argument.flags) + "\n" + wrapped(argument.help, indent);
    }
    return out;
  }
  return overview();
}

std::string man_page() {
  std::string out =
      ".TH GATEHOUSE 8\n.SH NAME\ngatehouse \\- mutual TLS, RBAC and forwarding in front of "
      "Kubernetes API servers\n"
      ".SH SYNOPSIS\n.B gatehouse\nCOMMAND [flags]\n.SH COMMANDS\n";
  for (const CommandHelp& command : table) {
    out += ".SS gatehouse " + roff(command.name) + " " + roff(command.usage) + "\n" +
           roff(command.summary) + ".\n";
    if (!command.text.empty()) out += ".PP\n" + roff(command.text) + "\n";
    for (const Argument& argument : command.arguments)
      out += roff_entry(argument.flags, argument.help);
  }
  return out + roff_options() +
         ".SH SIGNALS\n.TP\n.B SIGTERM, SIGINT\nStop gracefully; the second one at once.\n"
         ".TP\n.B SIGHUP\nRead policy and certificates again, reopen the access log.\n"
         ".TP\n.B SIGUSR1\nReopen the access log.\n";
}

std::string bash_completion() {
  std::string out =
      "_gatehouse() {\n  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n "
      " local words=\n";
  out +=
      "  case $before in\n    --road) words='auto uring epoll dpdk' ;;\n    --client-cert-mode) "
      "words='require request' ;;\n"
      "    --authorization-mode) words='RBAC Node,RBAC AlwaysAllow' ;;\n    --log-format) "
      "words='text json' "
      ";;\n"
      "    --tls-min-version) words='VersionTLS12 VersionTLS13' ;;\n    --purpose) words='client "
      "server' ;;\n"
      "    conformance) words='requestinfo rbac x509 headerrequest impersonation nodeauthz "
      "noderestriction' ;;\n"
      "    *-file|--policy|--node-graph|--config|--access-log|--ca|--chain) COMPREPLY=($(compgen "
      "-f -- "
      "\"$word\")); return ;;\n  esac\n"
      "  [[ $words ]] && { COMPREPLY=($(compgen -W \"$words\" -- \"$word\")); return; }\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then words='";
  for (const std::string_view name : names) out += std::string(name) + " ";
  out += "'; else\n  case ${COMP_WORDS[1]} in\n    serve|check) words='";
  for (const Option& option : options()) out += "--" + std::string(option.name) + " ";
  out += "' ;;\n";
  for (const CommandHelp& command : table) {
    if (command.arguments.empty()) continue;
    out += "    " + std::string(command.name) + ") words='";
    for (const Argument& argument : command.arguments) {
      const auto at = argument.flags.find("--");
      if (at == argument.flags.npos) continue;
      const auto flag = argument.flags.substr(at);
      out += std::string(flag.substr(0, flag.find(' '))) + " ";
    }
    out += "' ;;\n";
  }
  return out +
         "  esac; fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n  [[ ${COMPREPLY[*]} ]] "
         "|| COMPREPLY=($(compgen -f -- \"$word\"))\n}\n"
         "complete -o filenames -F _gatehouse gatehouse\n";
}

}  // namespace gh::control
