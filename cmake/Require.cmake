# SPDX-License-Identifier: Apache-2.0
# memwall_require(PACKAGE DEBIAN_PACKAGE [VERSION]): find_package, or one line that says what to install.
# A macro: what a package defines must reach the caller.
macro(memwall_require package debian_package)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "${package} was not found: install it with 'apt-get install ${debian_package}'")
  endif()
endmacro()
