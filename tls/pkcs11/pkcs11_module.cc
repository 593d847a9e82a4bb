// SPDX-License-Identifier: Apache-2.0
#include "tls/pkcs11/pkcs11_module.h"

#include <dlfcn.h>

#include <array>
#include <map>
#include <string_view>

namespace gh::tls {
namespace {

// p11-kit's: all modules the system is configured for, as one.
constexpr const char* default_module = "p11-kit-proxy.so";

// C_Initialize is once a process, so who has done it must be known to all of the process.
struct Loaded {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const Pkcs11Module>> modules;
};

Loaded& loaded() {
  static auto* const all = new Loaded;
  return *all;
}

// Fields of a fixed size, filled up with blanks.
template <std::size_t size>
std::string_view unpadded(const CK_UTF8CHAR (&field)[size]) {
  std::string_view text(reinterpret_cast<const char*>(field), size);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  return text;
}

bool matches(const std::optional<std::string>& wanted, std::string_view found) {
  return !wanted || *wanted == found;
}

}  // namespace

std::string text_of_ckr(CK_RV error) {
  static constexpr std::array<std::pair<CK_RV, const char*>, 16> names = {{
      {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR"},
      {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED"},
      {CKR_HOST_MEMORY, "CKR_HOST_MEMORY"},
      {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR"},
      {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED"},
      {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED"},
      {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID"},
      {CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID"},
      {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT"},
      {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE"},
      {CKR_PIN_LOCKED, "CKR_PIN_LOCKED"},
      {CKR_SESSION_COUNT, "CKR_SESSION_COUNT"},
      {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID"},
      {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT"},
      {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN"},
      {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED"},
  }};
  std::array<char, 24> number{};
  std::snprintf(number.data(), number.size(), "0x%lx", static_cast<unsigned long>(error));
  for (const auto& [value, name] : names) {
    if (value == error) return std::string(name) + " (" + number.data() + ")";
  }
  return std::string("CKR ") + number.data();
}

Outcome<std::shared_ptr<const Pkcs11Module>> Pkcs11Module::load(const std::string& asked) {
  const std::string path = asked.empty() ? default_module : asked;
  const std::lock_guard lock(loaded().mutex);
  auto& known = loaded().modules[path];
  if (known) return known;
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    std::string what = "the PKCS#11 module cannot be loaded: " + std::string(why ? why : path);
    if (asked.empty()) what += " (another one is named by ?module-path=/… in the URI)";
    return fault(what);
  }
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get == nullptr || get(&functions) != CKR_OK || functions == nullptr) {
    ::dlclose(library);
    return fault(path + " is no PKCS#11 module");
  }
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;  // several threads sign at once
  const CK_RV begun = functions->C_Initialize(&arguments);
  if (begun != CKR_OK && begun != CKR_CRYPTOKI_ALREADY_INITIALIZED)
    return fault("the PKCS#11 module " + path + " does not start: " + text_of_ckr(begun));
  known.reset(new Pkcs11Module(path, functions));
  return known;
}

Outcome<CK_SLOT_ID> Pkcs11Module::find_token(const Pkcs11Uri& uri) const {
  CK_ULONG n = 0;
  CK_RV result = functions_->C_GetSlotList(CK_TRUE, nullptr, &n);
  std::vector<CK_SLOT_ID> slots(n);
  if (result == CKR_OK) result = functions_->C_GetSlotList(CK_TRUE, slots.data(), &n);
  if (result != CKR_OK) return fault("the tokens of " + path_ + ": " + text_of_ckr(result));
  slots.resize(n);
  std::vector<CK_SLOT_ID> found;
  std::string labels;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO token{};
    if (functions_->C_GetTokenInfo(slot, &token) != CKR_OK) continue;
    if ((token.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    labels += (labels.empty() ? "" : ", ") + std::string(unpadded(token.label));
    if (matches(uri.token, unpadded(token.label)) &&
        matches(uri.manufacturer, unpadded(token.manufacturerID)) &&
        matches(uri.serial, unpadded(token.serialNumber)) &&
        matches(uri.model, unpadded(token.model)) && (!uri.slot_id || *uri.slot_id == slot))
      found.push_back(slot);
  }
  if (found.size() == 1) return found[0];
  const std::string there = labels.empty() ? "none" : labels;
  // A PIN is not tried on a token that was not meant.
  return found.empty() ? fault("no such token in " + path_ + "; there are: " + there)
                       : fault("more than one token is meant; there are: " + there);
}

}  // namespace gh::tls
