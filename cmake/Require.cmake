# SPDX-License-Identifier: Apache-2.0
# memwall_require(PACKAGE DEBIAN_PACKAGE [VERSION]): find_package, or one line that says what to install.
# A macro: what a package defines must reach the caller.
macro(memwall_require package debian_package)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    # Kept short: CMake breaks longer lines.
    message(FATAL_ERROR "${package} is missing: apt-get install ${debian_package}")
  endif()
endmacro()
