// Turns a C++ function into one that JavaScript can call: the arguments are taken from the function's own type. Pointers come
// as addresses (JavaScript numbers), 0 for none; whoever calls vouches for their size.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <type_traits>
#include <utility>

namespace codebeam {

struct Exports {
  napi_env env;
  napi_value object;
};

template <class T>
T argument(napi_env env, napi_value value) {
  if constexpr (std::is_same_v<T, bool>) {
    bool result = false;
    napi_get_value_bool(env, value, &result);
    return result;
  } else {
    double number = 0;
    napi_get_value_double(env, value, &number);
    if constexpr (std::is_pointer_v<T>)
      return reinterpret_cast<T>(static_cast<uintptr_t>(number));
    else
      return static_cast<T>(number);
  }
}

template <auto F>
struct Call;

template <class R, class... A, R (*F)(A...)>
struct Call<F> {
  static napi_value call(napi_env env, napi_callback_info info) {
    size_t count = sizeof...(A);
    napi_value values[sizeof...(A) + 1];
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
    if (count < sizeof...(A)) {
      napi_throw_type_error(env, nullptr, "backend-native: a kernel was called with too few arguments");
      return nullptr;
    }
    return apply(env, values, std::index_sequence_for<A...>{});
  }

  template <size_t... I>
  static napi_value apply(napi_env env, napi_value* values, std::index_sequence<I...>) {
    if constexpr (std::is_void_v<R>) {
      F(argument<A>(env, values[I])...);
      return nullptr;
    } else {
      napi_value result;
      napi_create_double(env, static_cast<double>(F(argument<A>(env, values[I])...)), &result);
      return result;
    }
  }
};

template <auto F>
void export_function(const Exports& exports, const char* name) {
  napi_value function;
  napi_create_function(exports.env, name, NAPI_AUTO_LENGTH, Call<F>::call, nullptr, &function);
  napi_set_named_property(exports.env, exports.object, name, function);
}

}  // namespace codebeam
