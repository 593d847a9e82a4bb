// SPDX-License-Identifier: Apache-2.0
#include "tls/verify_command.h"

#include "tls/name_syntax.h"
#include "tls/pem_file.h"

#include <ostream>
#include <span>
#include <string_view>
#include <vector>

namespace gh::tls {
namespace {

// "DNS:x" and "IP:x"; a bare name is taken as either. Empty: malformed.
Outcome<std::string> name_of_argument(const std::string& text) {
  if (text.starts_with("IP:")) {
    const std::string ip = text.substr(3);
    if (!parse_ip(ip)) return fault("\"" + ip + "\" is not an IP address", "--name");
    return ip;
  }
  const std::string name = text.starts_with("DNS:") ? text.substr(4) : text;
  if (name.empty() && !text.empty()) return fault("a name is missing after \"DNS:\"", "--name");
  return name;
}

struct Inputs {
  std::shared_ptr<const TrustStore> trust;
  std::vector<std::vector<std::uint8_t>> chain;
  std::string name;
};

Outcome<Inputs> read_inputs(const VerifyArguments& arguments) {
  Inputs out;
  GH_TRY(out.name, name_of_argument(arguments.name));
  GH_TRY(out.trust, TrustStore::load(arguments.ca_file, arguments.crl_file));
  GH_TRY(const auto pem, read_pem_file(arguments.chain_file));
  GH_TRY(out.chain, certificates_of_pem(pem, arguments.chain_file));
  return out;
}

}  // namespace

int verify_command(const VerifyArguments& arguments, std::ostream& out, std::ostream& err) {
  const auto inputs = read_inputs(arguments);
  if (!inputs) {
    err << inputs.error().to_string() << "\n";
    return 2;
  }
  const std::vector<ByteView> chain(inputs->chain.begin(), inputs->chain.end());
  VerifyRequest request;
  request.purpose = arguments.purpose;
  request.now = arguments.now;
  request.name = inputs->name;
  std::string why;
  const auto verified = inputs->trust->verify(chain, request, &why);
  if (!verified) {
    out << "rejected: " << name_of(verified.error()) << ": " << why << "\n";
    return 1;
  }
  out << "accepted: "
      << (verified->has_common_name ? "CN=" + verified->common_name : "(no common name)") << "\n";
  return 0;
}

}  // namespace gh::tls
