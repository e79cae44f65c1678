# SPDX-License-Identifier: Apache-2.0
# Onnx::onnx: libonnx and the protobuf that its headers need. The package's own CMake files name
# targets that Debian leaves out.
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h)
find_library(ONNX_LIBRARY onnx)
find_library(ONNX_PROTO_LIBRARY onnx_proto)
find_path(PROTOBUF_INCLUDE_DIR google/protobuf/message.h)
find_library(PROTOBUF_LIBRARY protobuf)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Onnx DEFAULT_MSG ONNX_LIBRARY ONNX_PROTO_LIBRARY ONNX_INCLUDE_DIR
                                  PROTOBUF_LIBRARY PROTOBUF_INCLUDE_DIR)
if(Onnx_FOUND AND NOT TARGET Onnx::onnx)
  add_library(Onnx::onnx INTERFACE IMPORTED)
  target_include_directories(Onnx::onnx SYSTEM INTERFACE ${ONNX_INCLUDE_DIR} ${PROTOBUF_INCLUDE_DIR})
  target_compile_definitions(Onnx::onnx INTERFACE ONNX_NAMESPACE=onnx ONNX_ML=1)
  target_link_libraries(Onnx::onnx INTERFACE ${ONNX_LIBRARY} ${ONNX_PROTO_LIBRARY} ${PROTOBUF_LIBRARY})
endif()
