// SPDX-License-Identifier: Apache-2.0
// A PKCS#11 module: a library of a token's maker that is loaded into the process. Private to tls.
// Owner: the process. A module is initialised once and never finalised: another part of the process
// may use it too, and a thread may still wait in it. Any thread.
#pragma once

#include "base/byte_view.h"
#include "base/result.h"
#include "tls/pkcs11/pkcs11_uri.h"

#include <p11-kit-1/p11-kit/pkcs11.h>  // declarations only: a module is loaded, not linked

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gh::tls {

class Pkcs11Module {
 public:
  // Loaded and initialised by the first who asks.
  static Outcome<std::shared_ptr<const Pkcs11Module>> load(const std::string& path);

  const CK_FUNCTION_LIST& functions() const noexcept { return *functions_; }

  const std::string& path() const noexcept { return path_; }

  // The one slot whose token is the one named.
  Outcome<CK_SLOT_ID> find_token(const Pkcs11Uri& uri) const;

 private:
  Pkcs11Module(std::string path, CK_FUNCTION_LIST* functions)
      : path_(std::move(path)), functions_(functions) {}

  std::string path_;
  CK_FUNCTION_LIST* functions_;
};

std::string text_of_ckr(CK_RV error);  // "CKR_PIN_INCORRECT (0xa0)"

}  // namespace gh::tls
