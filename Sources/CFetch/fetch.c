#include "CFetch.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct {
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    void (*cleanup)(CURL *);
    const char *(*strerror)(CURLcode);
} curl_door;

static int open_curl(curl_door *door, char *message) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(message, VZ_FETCH_MESSAGE, "libcurl is not installed (Debian: libcurl4)");
        return 1;
    }
    CURLcode (*global)(long) = (CURLcode(*)(long))dlsym(library, "curl_global_init");
    door->init = (CURL * (*)(void)) dlsym(library, "curl_easy_init");
    door->setopt = (CURLcode(*)(CURL *, CURLoption, ...))dlsym(library, "curl_easy_setopt");
    door->perform = (CURLcode(*)(CURL *))dlsym(library, "curl_easy_perform");
    door->getinfo = (CURLcode(*)(CURL *, CURLINFO, ...))dlsym(library, "curl_easy_getinfo");
    door->cleanup = (void (*)(CURL *))dlsym(library, "curl_easy_cleanup");
    door->strerror = (const char *(*)(CURLcode))dlsym(library, "curl_easy_strerror");
    if (!global || !door->init || !door->setopt || !door->perform || !door->getinfo || !door->cleanup
        || !door->strerror || global(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        snprintf(message, VZ_FETCH_MESSAGE, "libcurl cannot be used");
        return 1;
    }
    return 0;
}

typedef struct {
    const curl_door *door;
    CURL *handle;
    void *context;
    int (*begin)(void *, int);
    vz_fetch_write write;
    vz_fetch_progress progress;
    int64_t start;
    int has_begun, is_stopped;
} transfer;

static size_t take(char *bytes, size_t size, size_t n, void *at) {
    transfer *t = at;
    if (!t->has_begun) {
        long status = 0;
        t->door->getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
        t->has_begun = 1;
        if (t->begin(t->context, t->start > 0 && status == 206)) {
            t->is_stopped = 1;
            return 0;
        }
    }
    if (t->write(t->context, (const uint8_t *)bytes, size * n)) {
        t->is_stopped = 1;
        return 0;
    }
    return size * n;
}

static int report(void *at, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up) {
    transfer *t = at;
    (void)up_total;
    (void)up;
    if (t->progress(t->context, done, total)) {
        t->is_stopped = 1;
        return 1;
    }
    return 0;
}

int vz_fetch(const char *address, int64_t start, void *context, int (*begin)(void *, int), vz_fetch_write write,
             vz_fetch_progress progress, vz_fetch_result *result, char *message) {
    static curl_door door;
    static int is_open;
    memset(result, 0, sizeof *result);
    if (!is_open) {
        if (open_curl(&door, message)) return 1;
        is_open = 1;
    }
    CURL *handle = door.init();
    if (!handle) {
        snprintf(message, VZ_FETCH_MESSAGE, "libcurl cannot be used");
        return 1;
    }
    char detail[CURL_ERROR_SIZE] = "";
    transfer t = {&door, handle, context, begin, write, progress, start, 0, 0};
    door.setopt(handle, CURLOPT_URL, address);
    door.setopt(handle, CURLOPT_ERRORBUFFER, detail);
    door.setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    door.setopt(handle, CURLOPT_MAXREDIRS, 8L);
    door.setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https,file");
    door.setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    door.setopt(handle, CURLOPT_FAILONERROR, 1L);
    door.setopt(handle, CURLOPT_CONNECTTIMEOUT, 20L);
    // A server that sends less than a byte a second for half a minute is gone.
    door.setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    door.setopt(handle, CURLOPT_LOW_SPEED_TIME, 30L);
    door.setopt(handle, CURLOPT_NOSIGNAL, 1L);
    door.setopt(handle, CURLOPT_USERAGENT, "vzsh");
    door.setopt(handle, CURLOPT_WRITEFUNCTION, take);
    door.setopt(handle, CURLOPT_WRITEDATA, &t);
    door.setopt(handle, CURLOPT_NOPROGRESS, 0L);
    door.setopt(handle, CURLOPT_XFERINFOFUNCTION, report);
    door.setopt(handle, CURLOPT_XFERINFODATA, &t);
    // Not CURLOPT_RESUME_FROM: that fails where a server cannot resume, this begins anew.
    char range[32];
    snprintf(range, sizeof range, "%lld-", (long long)start);
    if (start > 0) door.setopt(handle, CURLOPT_RANGE, range);
    CURLcode code = door.perform(handle);
    door.getinfo(handle, CURLINFO_RESPONSE_CODE, &result->status);
    result->is_stopped = t.is_stopped;
    result->is_resumed = t.has_begun && start > 0 && result->status == 206;
    result->is_unreachable = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT
        || code == CURLE_COULDNT_RESOLVE_PROXY || (code == CURLE_OPERATION_TIMEDOUT && !t.has_begun);
    if (code != CURLE_OK) {
        snprintf(message, VZ_FETCH_MESSAGE, "%s", detail[0] ? detail : door.strerror(code));
        // 416: nothing is left behind `start`.
        if (result->status == 416 && start > 0) code = CURLE_OK;
    } else if (!t.has_begun) {
        t.begin(context, 0);
    }
    door.cleanup(handle);
    return code != CURLE_OK;
}
