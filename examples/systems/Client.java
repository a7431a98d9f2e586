// A client of one's own in Java, without a JSON library: java Client.java. It is asked about numbers.
import java.io.*;
import java.net.*;
import java.util.regex.*;

class Client {
    static String field(String line, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":(\\[[^\\]]*\\]|\"[^\"]*\"|[^,}]+)").matcher(line);
        return found.find() ? found.group(1) : "null";
    }

    static String ask(String line) {
        String key = field(line, "key"), value = field(line, "value");
        String request = switch (field(line, "f")) {
            case "\"read\"" -> "[\"get\"," + key + "]";
            case "\"write\"" -> "[\"set\"," + key + "," + value + "]";
            default -> "[\"cas\"," + key + "," + value.substring(1);
        };
        String[] place = System.getenv("SCHISM_ADDRESS").split(":");
        int limit = Integer.parseInt(field(line, "deadline_ms"));
        Socket socket = new Socket();
        try (socket) {
            socket.connect(new InetSocketAddress(place[0], Integer.parseInt(place[1])), limit);
            socket.setSoTimeout(limit);
            socket.getOutputStream().write((request + "\n").getBytes());
            String reply = new BufferedReader(new InputStreamReader(socket.getInputStream())).readLine();
            String found = reply.substring(reply.indexOf(',') + 1, reply.length() - 1);
            return "\"type\":\"" + (reply.startsWith("[\"ok\"") ? "ok" : "fail") + "\",\"value\":" + found;
        } catch (IOException | RuntimeException error) {
            // Where it was not connected, nothing was sent; else it may have happened.
            return "\"type\":\"" + (socket.isConnected() ? "info" : "fail") + "\",\"error\":\"no answer\"";
        }
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; )
            System.out.println("{\"id\":" + field(line, "id") + "," + ask(line) + "}");
    }
}
