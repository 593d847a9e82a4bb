# SPDX-License-Identifier: Apache-2.0
# gh_tls_library: the TLS library that tls/ wraps, by GH_TLS. Not Debian's: a static one that scripts/build-tls has built, whose symbols stay
# inside the program, so that Debian's libssl, which libcurl loads into the same process, never meets them.
set(GH_TLS "system" CACHE STRING "TLS library: system (Debian's OpenSSL), openssl (3.6 or 4.0) or awslc")
set(GH_TLS_OPENSSL "3.6" CACHE STRING "with GH_TLS=openssl: 3.6 or 4.0")
set(GH_TLS_PREFIX "" CACHE PATH "where it is installed (include, lib); empty: scripts/build-tls builds it, once")
set_property(CACHE GH_TLS PROPERTY STRINGS system openssl awslc)

add_library(gh_tls_library INTERFACE)

if(GH_TLS STREQUAL "system")
  find_package(OpenSSL 3.0 REQUIRED)
  target_link_libraries(gh_tls_library INTERFACE OpenSSL::SSL OpenSSL::Crypto)
  return()
elseif(GH_TLS STREQUAL "openssl")
  set(name openssl-${GH_TLS_OPENSSL})
elseif(GH_TLS STREQUAL "awslc")
  set(name awslc)
else()
  message(FATAL_ERROR "GH_TLS is \"${GH_TLS}\"; expected system, openssl or awslc")
endif()

set(prefix ${GH_TLS_PREFIX})
if(NOT prefix)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/scripts/build-tls)
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/build-tls ${name}
    RESULT_VARIABLE failed OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    message(FATAL_ERROR "scripts/build-tls ${name} failed")
  endif()
endif()
foreach(file lib/libssl.a lib/libcrypto.a include/openssl/ssl.h)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "there is no ${file} in ${prefix} (GH_TLS_PREFIX)")
  endif()
endforeach()
target_include_directories(gh_tls_library SYSTEM INTERFACE ${prefix}/include)
target_link_libraries(gh_tls_library INTERFACE ${prefix}/lib/libssl.a ${prefix}/lib/libcrypto.a Threads::Threads ${CMAKE_DL_LIBS})
target_link_options(gh_tls_library INTERFACE -Wl,--exclude-libs,ALL)  # a list by name sends mold 1.10 into a loop
