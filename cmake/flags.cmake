# Compiler settings every target shares: C17 with GNU attributes, warnings as
# errors on gcc and clang, hardening, and the sanitizers tests/run asks for.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

set(O2C_SANITIZE "" CACHE STRING "-fsanitize= list: address,undefined or thread")
option(O2C_FAILPOINTS "compile failpoints in (test builds)" OFF)

# assert() stays on in every build: its conditions are cheap and data never reaches them.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

add_compile_definitions(_GNU_SOURCE)
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Werror -fno-common -fstack-protector-strong
    # librdkafka's RD_KAFKA_V_ macros are such expressions; gcc knows them for a system header's
    $<$<C_COMPILER_ID:Clang>:-Wno-gnu-statement-expression>)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
if(O2C_SANITIZE)
    add_compile_options(-fsanitize=${O2C_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${O2C_SANITIZE})
else()
    add_compile_options($<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
if(O2C_FAILPOINTS)
    add_compile_definitions(O2C_FAILPOINTS)
endif()

include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})

# What makes librdkafka's threads known to ThreadSanitizer, in front of libc in every program.
if(O2C_SANITIZE STREQUAL "thread")
    add_library(o2c_c11_threads SHARED ${CMAKE_SOURCE_DIR}/tests/support/c11_threads.c)
    link_libraries(-Wl,--no-as-needed o2c_c11_threads)
endif()
