import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** A linear model in a JAR, with an HTTP server: a line of comma-separated numbers in, a prediction a line out. */
public final class Scoring {
    private static double[] weights;

    public static void main(String[] arguments) throws Exception {
        Properties model = new Properties();
        try (InputStream stream = Scoring.class.getResourceAsStream("/model.properties")) {
            model.load(stream);
        }
        String[] words = model.getProperty("weights").split(",");
        weights = new double[words.length];
        for (int place = 0; place < words.length; place++) {
            weights[place] = Double.parseDouble(words[place]);
        }
        HttpServer server = HttpServer.create(new InetSocketAddress(arguments[1], Integer.parseInt(arguments[0])), 64);
        server.createContext("/health", exchange -> answer(exchange, "{}"));
        server.createContext("/score", exchange -> answer(exchange, score(exchange.getRequestBody())));
        server.start();
    }

    private static String score(InputStream body) throws java.io.IOException {
        List<String> predictions = new ArrayList<>();
        for (String line : new String(body.readAllBytes(), StandardCharsets.UTF_8).trim().split("\n")) {
            double sum = 0;
            String[] values = line.split(",");
            for (int place = 0; place < values.length; place++) {
                sum += weights[place] * Double.parseDouble(values[place]);
            }
            predictions.add(Double.toString(sum));
        }
        return "{\"predictions\": " + predictions + "}";
    }

    private static void answer(com.sun.net.httpserver.HttpExchange exchange, String text) throws java.io.IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
