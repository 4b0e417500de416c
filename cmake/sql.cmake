# o2c_embed(target FILE...) compiles each text file into `target` as a NUL-terminated
# array: sql/claim.sql of consumers/host becomes
#     extern const char o2c_host_sql_claim[];
# (folder and file name, '/' '-' '.' as '_', without the ending and without the
# first folder), declared in the generated header "<folder>/embedded.h".

function(o2c_embed target)
    file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    set(header ${CMAKE_BINARY_DIR}/${folder}/embedded.h)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.c)
    set(paths "")
    foreach(file ${ARGN})
        list(APPEND paths ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    endforeach()
    add_custom_command(
        OUTPUT ${header} ${source}
        COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -DHEADER=${header}
                -DSOURCE=${source} "-DFILES=${paths}" -DFOLDER=${folder}
                -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${paths} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        VERBATIM)
    target_sources(${target} PRIVATE ${source} ${header})
endfunction()
