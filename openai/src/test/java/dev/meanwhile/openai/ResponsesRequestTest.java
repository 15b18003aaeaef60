package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.openai.ResponsesRequest.Turn;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A request of the Responses API as a chat request.
class ResponsesRequestTest {
  private static final JsonMapper JACKSON = new JsonMapper();

  private static ResponsesRequest request(String json) {
    return ResponsesRequest.of(json.replace('\'', '"').getBytes(UTF_8));
  }

  private static JsonNode json(String json) {
    return JACKSON.readTree(json.replace('\'', '"'));
  }

  private static JsonNode chat(String json, Turn... before) {
    ResponsesRequest request = request(json);
    assertThat(request.problem()).isNull();
    return JACKSON.readTree(request.chat(List.of(before)));
  }

  private static void says(String json, String chat) {
    assertThat(chat(json)).isEqualTo(json(chat));
  }

  private static void refuses(String param, String json) {
    var problem = request(json).problem();
    assertThat(problem).as(json).isNotNull();
    assertThat(Objects.requireNonNull(problem).param()).as(json).isEqualTo(param);
    assertThat(problem.message()).contains(param);
  }

  @Test
  void aTextIsTheUsers() {
    says("{'model':'m','input':'Hi'}", "{'model':'m','messages':[{'role':'user','content':'Hi'}]}");
    says(
        "{'model':'m','instructions':'Be brief','input':'Hi','stream':true,'store':null}",
        "{'model':'m','messages':[{'role':'system','content':'Be brief'},{'role':'user','content':'Hi'}],'stream':true,'stream_options':{'include_usage':true}}");
  }

  @Test
  void partsAreTranslated() {
    says(
        "{'input':[{'role':'user','content':[{'type':'input_text','text':'a'},{'type':'input_image','image_url':'u','detail':'low'},{'type':'input_file','file_data':'d','filename':'n'},{'type':'input_audio','input_audio':{'data':'x','format':'wav'}}]},{'type':'message','id':'msg_1','status':'completed','phase':'commentary','role':'assistant','content':[{'type':'output_text','text':'b','annotations':[],'logprobs':[]},{'type':'refusal','refusal':'c'}]},{'role':'developer','content':'d'}]}",
        "{'messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':'image_url','image_url':{'url':'u','detail':'low'}},{'type':'file','file':{'file_data':'d','filename':'n'}},{'type':'input_audio','input_audio':{'data':'x','format':'wav'}}]},{'role':'assistant','content':[{'type':'text','text':'b'},{'type':'refusal','refusal':'c'}]},{'role':'developer','content':'d'}]}");
  }

  @Test
  void parallelCallsAreOneTurn() {
    says(
        "{'input':[{'role':'user','content':'q'},{'type':'reasoning','id':'rs_1','summary':[],'content':[]},{'role':'assistant','content':'t'},{'type':'function_call','call_id':'a','name':'f','arguments':'1'},{'type':'function_call','call_id':'b','name':'g','arguments':'2'},{'type':'function_call_output','call_id':'a','output':'x'},{'type':'function_call_output','call_id':'b','output':[{'type':'input_text','text':'y'}]},{'type':'function_call','call_id':'c','name':'f','arguments':'3'}]}",
        "{'messages':[{'role':'user','content':'q'},{'role':'assistant','content':'t','tool_calls':[{'id':'a','type':'function','function':{'name':'f','arguments':'1'}},{'id':'b','type':'function','function':{'name':'g','arguments':'2'}}]},{'role':'tool','tool_call_id':'a','content':'x'},{'role':'tool','tool_call_id':'b','content':[{'type':'text','text':'y'}]},{'role':'assistant','tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'3'}}]}]}");
  }

  @Test
  void optionsAreTranslated() {
    says(
        "{'input':'x','max_output_tokens':9,'temperature':0.10,'top_p':1,'top_logprobs':2,'include':['message.output_text.logprobs'],'reasoning':{'effort':'low','summary':null},'text':{'verbosity':'low','format':{'type':'json_schema','name':'n','schema':{'b':1,'a':2},'strict':true}},'tools':[{'type':'function','name':'f','description':'d','parameters':{},'strict':false}],'tool_choice':{'type':'function','name':'f'},'parallel_tool_calls':false,'metadata':{'k':'v'},'max_tool_calls':3,'truncation':'disabled','user':'u','service_tier':'flex','prompt_cache_key':'p','safety_identifier':'s'}",
        "{'messages':[{'role':'user','content':'x'}],'max_completion_tokens':9,'temperature':0.10,'top_p':1,'logprobs':true,'top_logprobs':2,'reasoning_effort':'low','verbosity':'low','response_format':{'type':'json_schema','json_schema':{'name':'n','schema':{'b':1,'a':2},'strict':true}},'tools':[{'type':'function','function':{'name':'f','description':'d','parameters':{},'strict':false}}],'tool_choice':{'type':'function','function':{'name':'f'}},'parallel_tool_calls':false,'user':'u','service_tier':'flex','prompt_cache_key':'p','safety_identifier':'s'}");
    says(
        "{'input':'x','tool_choice':'auto','parallel_tool_calls':true,'tools':[],'text':{'format':{'type':'text'}}}",
        "{'messages':[{'role':'user','content':'x'}]}");
    says(
        "{'input':'x','tools':[{'type':'function','name':'f'}],'tool_choice':{'type':'allowed_tools','mode':'auto','tools':[{'type':'function','name':'f'}]}}",
        "{'messages':[{'role':'user','content':'x'}],'tools':[{'type':'function','function':{'name':'f'}}],'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'auto','tools':[{'type':'function','function':{'name':'f'}}]}}}");
  }

  @Test
  void whatCannotBeSaidIsNamed() {
    refuses("input", "{'model':'m'}");
    refuses("input", "{'input':7}");
    refuses("stream", "{'input':'x','stream':'yes'}");
    refuses("background", "{'input':'x','background':1}");
    refuses("conversation", "{'input':'x','conversation':'c'}");
    refuses("prompt", "{'input':'x','prompt':{'id':'p'}}");
    refuses("truncation", "{'input':'x','truncation':'auto'}");
    refuses("reasoning.summary", "{'input':'x','reasoning':{'summary':'auto'}}");
    refuses("include[1]", "{'input':'x','include':['message.output_text.logprobs','other']}");
    refuses(
        "tools[1].type",
        "{'input':'x','tools':[{'type':'function','name':'f'},{'type':'web_search'}]}");
    refuses("tool_choice", "{'input':'x','tool_choice':'required'}");
    refuses(
        "tool_choice.type",
        "{'input':'x','tools':[{'type':'function','name':'f'}],'tool_choice':{'type':'mcp'}}");
    refuses("text.format.type", "{'input':'x','text':{'format':{'type':'grammar'}}}");
    refuses("input[0].type", "{'input':[{'type':'item_reference','id':'msg_1'}]}");
    refuses("input[0].role", "{'input':[{'role':'critic','content':'x'}]}");
    refuses(
        "input[0].encrypted_content", "{'input':[{'type':'reasoning','encrypted_content':'x'}]}");
    refuses(
        "input[0].content[0].file_id",
        "{'input':[{'role':'user','content':[{'type':'input_image','file_id':'x'}]}]}");
    refuses(
        "input[0].content[0].file_url",
        "{'input':[{'role':'user','content':[{'type':'input_file','file_url':'x'}]}]}");
    refuses(
        "input[0].output[0].type",
        "{'input':[{'type':'function_call_output','call_id':'c','output':[{'type':'input_image','image_url':'u'}]}]}");
    refuses("made_up", "{'input':'x','made_up':1}");
    assertThat(Objects.requireNonNull(ResponsesRequest.of("[]".getBytes(UTF_8)).problem()).code())
        .isEqualTo("invalid_json");
  }

  /// The answer repeats them, and is read by strict clients.
  @Test
  void whatIsOfAnotherTypeIsNamed() {
    for (String name : List.of("temperature", "top_p", "presence_penalty", "frequency_penalty")) {
      refuses(name, "{'input':'x','" + name + "':'1'}");
      refuses(name, "{'input':'x','" + name + "':true}");
    }
    for (String name : List.of("max_output_tokens", "max_tool_calls", "top_logprobs")) {
      refuses(name, "{'input':'x','" + name + "':-1}");
      refuses(name, "{'input':'x','" + name + "':1.5}");
      refuses(name, "{'input':'x','" + name + "':'1'}");
    }
    for (String name : List.of("user", "safety_identifier", "prompt_cache_key", "service_tier")) {
      refuses(name, "{'input':'x','" + name + "':1}");
    }
    refuses("parallel_tool_calls", "{'input':'x','parallel_tool_calls':1}");
    refuses("metadata", "{'input':'x','metadata':[]}");
    refuses("metadata.a", "{'input':'x','metadata':{'a':1}}");
    refuses("reasoning.effort", "{'input':'x','reasoning':{'effort':3}}");
    refuses("text.verbosity", "{'input':'x','text':{'verbosity':3}}");
    refuses("tools[0].name", "{'input':'x','tools':[{'type':'function'}]}");
    String tool = "{'input':'x','tools':[{'type':'function','name':'f',%s}]%s}";
    refuses("tools[0].parameters", tool.formatted("'parameters':[]", ""));
    refuses("tools[0].strict", tool.formatted("'strict':'yes'", ""));
    refuses("tools[0].description", tool.formatted("'description':1", ""));
    refuses("tool_choice", tool.formatted("'strict':null", ",'tool_choice':'mostly'"));
  }

  /// Only the upstream knows what it takes.
  @Test
  void rangesAreTheUpstreams() {
    says(
        "{'input':'x','temperature':7.5,'top_p':-1,'max_output_tokens':1}",
        "{'messages':[{'role':'user','content':'x'}],'temperature':7.5,'top_p':-1,'max_completion_tokens':1}");
  }

  @Test
  void whatIsSaidAfterCallsKeepsThemBesideTheirOutputs() {
    says(
        "{'input':[{'role':'assistant','content':'a'},{'type':'function_call','call_id':'c','name':'f','arguments':'{}'},{'role':'assistant','content':[{'type':'output_text','text':'b'}]},{'type':'function_call_output','call_id':'c','output':'o'}]}",
        "{'messages':[{'role':'assistant','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}],'tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'c','content':'o'}]}");
  }

  @Test
  void goesOnFromEarlierTurns() {
    var turn =
        new Turn(
            "{\"instructions\":\"old\",\"input\":\"q\"}".getBytes(UTF_8),
            "{\"output\":[{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[],\"content\":[]},{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"a\"}]},{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"}]}"
                .getBytes(UTF_8));
    assertThat(
            chat(
                "{'instructions':'new','previous_response_id':'resp_1','input':[{'type':'function_call_output','call_id':'c','output':'o'}]}",
                turn))
        .isEqualTo(
            json(
                "{'messages':[{'role':'system','content':'new'},{'role':'user','content':'q'},{'role':'assistant','content':[{'type':'text','text':'a'}],'tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}}]},{'role':'tool','tool_call_id':'c','content':'o'}]}"));
  }

  @Test
  void saysWhatIsTheServers() {
    ResponsesRequest said =
        request(
            "{'input':'x','stream':true,'background':true,'store':false,'previous_response_id':'r'}");
    assertThat(said.stream()).isTrue();
    assertThat(said.background()).isTrue();
    assertThat(said.store()).isFalse();
    assertThat(said.previous()).isEqualTo("r");
    ResponsesRequest unsaid = request("{'input':'x'}");
    assertThat(unsaid.stream()).isFalse();
    assertThat(unsaid.background()).isFalse();
    assertThat(unsaid.store()).isTrue();
    assertThat(unsaid.previous()).isNull();
  }
}
