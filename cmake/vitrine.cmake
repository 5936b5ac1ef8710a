# The few helpers that every folder uses, and the compile options of our code.

# Lines are all that a stack trace and a profile need: with types and variables
# the tests alone would be 15 GB on disk.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" OR VITRINE_SANITIZE)
  add_compile_options(-g1)
endif()

add_library(vitrine_options INTERFACE)
target_include_directories(vitrine_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(vitrine_options INTERFACE -Wall -Wextra -Werror)
if(VITRINE_SANITIZE)
  target_compile_options(vitrine_options INTERFACE
    -fsanitize=${VITRINE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
  target_link_options(vitrine_options INTERFACE -fsanitize=${VITRINE_SANITIZE})
endif()
if(VITRINE_FUZZ)
  target_compile_options(vitrine_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# vitrine_library(NAME SRCS a.cc … DEPS target … [PRIVATE_DEPS target …])
# A static library of this folder. PRIVATE_DEPS reach no includer.
function(vitrine_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SRCS})
  target_link_libraries(${name} PUBLIC vitrine_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# vitrine_program(NAME SRCS main.cc … DEPS target …)
function(vitrine_program name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE vitrine_options ${ARG_DEPS})
endfunction()

# vitrine_test(foo_test DEPS target … [LABELS label …] [TIMEOUT seconds])
# A GoogleTest program from foo_test.cc. Label `unit` (the default) is what the
# AddressSanitizer build runs, `concurrency` (besides `unit`: many threads) the
# ThreadSanitizer build; `end_to_end` starts real programs, and alone unless it is
# of `fault` too, which breaks something, and in `./dev test --long` more often.
# Those with a TIMEOUT of their own begin first, as they may take the longest.
# Target LABEL_tests builds the tests of a label.
function(vitrine_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  set(cost 0)  # What ctest has measured.
  if(ARG_TIMEOUT)
    set(cost ${ARG_TIMEOUT})
  else()
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${name}.cc)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE vitrine_options ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  foreach(label ${ARG_LABELS})
    if(NOT TARGET ${label}_tests)
      add_custom_target(${label}_tests)
    endif()
    add_dependencies(${label}_tests ${name})
  endforeach()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} COST ${cost}
    ENVIRONMENT "VITRINE_SOURCE_DIR=${PROJECT_SOURCE_DIR};VITRINE_BIN_DIR=${VITRINE_BIN_DIR}")
  if("end_to_end" IN_LIST ARG_LABELS AND NOT "fault" IN_LIST ARG_LABELS)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

if(CMAKE_RUNTIME_OUTPUT_DIRECTORY)
  set(VITRINE_BIN_DIR ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
else()
  set(VITRINE_BIN_DIR ${PROJECT_BINARY_DIR}/bin)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${VITRINE_BIN_DIR})
endif()
