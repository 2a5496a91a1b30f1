<?php
// Uses the API with PHP's SoapClient; prints what it saw as JSON. Arguments: base URL, 1.1 or 1.2, an API key.

[, $base, $version, $key] = $argv;
$client = new SoapClient("$base/soap?wsdl", [
    'soap_version' => $version === '1.1' ? SOAP_1_1 : SOAP_1_2,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
]);

function septet(string $block, string $value): SoapHeader
{
    return new SoapHeader('urn:septet:v1', $block, $value);
}

function usernameToken(string $password): SoapHeader
{
    $wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
    $token = "<w:Security xmlns:w=\"$wsse\"><w:UsernameToken><w:Username>php</w:Username>"
        . "<w:Password>$password</w:Password></w:UsernameToken></w:Security>";
    return new SoapHeader($wsse, 'Security', new SoapVar($token, XSD_ANYXML), true);
}

function call(SoapClient $client, string $operation, array $input, array $headers = []): array
{
    try {
        $blocks = [];
        $answer = $client->__soapCall($operation, [$input], null, $headers, $blocks);
        return [$answer->result ?? null, $blocks];
    } catch (SoapFault $fault) {
        $fields = (array) ($fault->detail ?? []);
        return [['faultcode' => $fault->faultcode, 'detail' => array_key_first($fields), 'fields' => reset($fields)], []];
    }
}

$zoe = ['name' => 'Zoë <&> 🚀', 'email' => 'zoe@example.com'];
[$list] = call($client, 'listUsers', ['limit' => 1, 'sort' => '-id']);
[$next] = call($client, 'listUsers', ['limit' => 1, 'sort' => '-id', 'cursor' => $list->nextCursor]);
[$created, $createdBlocks] = call($client, 'createUser', $zoe, [septet('IdempotencyKey', 'k')]);
[, $repeatedBlocks] = call($client, 'createUser', $zoe, [septet('IdempotencyKey', 'k')]);
[$got, $gotBlocks] = call($client, 'getUser', ['id' => 3]);
[$found] = call($client, 'findUser', ['id' => 3]);
[$updated] = call($client, 'updateUser', ['id' => 3, 'name' => 'Z'], [septet('IfMatch', $gotBlocks['ETag'])]);
[$replaced] = call($client, 'replaceUser', ['id' => 3, 'name' => 'Y', 'email' => 'y@example.com']);
[$stale] = call($client, 'updateUser', ['id' => 3, 'name' => 'X'], [septet('IfMatch', $gotBlocks['ETag'])]);
[$deleted] = call($client, 'deleteUser', ['id' => 3]);
[$missing] = call($client, 'getUser', ['id' => 3]);
[$invalid] = call($client, 'createUser', ['name' => ' ', 'email' => 'x']);
[$conflict] = call($client, 'createUser', ['name' => 'A', 'email' => 'ali@example.com']);
[$me] = call($client, 'getMe', [], [usernameToken($key)]);
[$nobody] = call($client, 'getMe', [], [usernameToken('wrong')]);

$code = fn (array $fault) => [$fault['faultcode'], $fault['detail'], $fault['fields']->code, (int) $fault['fields']->status];
$pointers = array_map(fn ($error) => $error->pointer, $invalid['fields']->errors);
sort($pointers);
echo json_encode([
    'operations' => count($client->__getFunctions()),
    'listed' => [$list->items[0]->name, $next->items[0]->name, $next->nextCursor],
    'created' => [$created->id, $created->name, $createdBlocks['Location']],
    'repeated' => $repeatedBlocks['IdempotentReplayed'],
    'got' => [$got->name, $got->email, $gotBlocks['ETag']],
    'found' => array_keys((array) $found),
    'updated' => $updated->name,
    'replaced' => [$replaced->name, $replaced->email],
    'deleted' => $deleted,
    'stale' => $code($stale),
    'missing' => $code($missing),
    'invalid' => [...$code($invalid), $pointers],
    'conflict' => $code($conflict),
    'me' => $me->kind,
    'nobody' => $code($nobody),
]);
