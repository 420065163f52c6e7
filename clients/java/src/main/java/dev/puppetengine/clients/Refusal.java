package dev.puppetengine.clients;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Why a call was refused, as the details of its status say (AIP-193).
 *
 * @param fields what is wrong with each field
 * @param retryAfter seconds to wait before another try; 0 when that isn't said
 */
record Refusal(String code, String reason, String domain, Map<String, String> fields, double retryAfter) {
  static Refusal of(StatusRuntimeException error) {
    String reason = "";
    String domain = "";
    Map<String, String> fields = new LinkedHashMap<>();
    double retryAfter = 0;
    com.google.rpc.Status told = StatusProto.fromThrowable(error);
    try {
      for (Any detail : told == null ? java.util.List.<Any>of() : told.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          reason = info.getReason();
          domain = info.getDomain();
        } else if (detail.is(BadRequest.class)) {
          detail
              .unpack(BadRequest.class)
              .getFieldViolationsList()
              .forEach(violation -> fields.put(violation.getField(), violation.getDescription()));
        } else if (detail.is(RetryInfo.class)) {
          Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
          retryAfter = delay.getSeconds() + delay.getNanos() / 1e9;
        }
      }
    } catch (InvalidProtocolBufferException broken) {
      throw new IllegalStateException("the details of the status can't be read", broken);
    }
    return new Refusal(error.getStatus().getCode().name(), reason, domain, fields, retryAfter);
  }
}
